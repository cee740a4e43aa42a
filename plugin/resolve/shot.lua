-- From the Rackfocus group of a comp to a shot document; the same as controls.py and shots.py, in Lua 5.1.

local curves, sources = ...

local MARK = "Rackfocus" -- a hidden control of both tools inside the group: by it they are known
local FOCUS_KINDS = { "disparity", "distance", "pixel" }
local DEPTH_KINDS = { "distance", "inverse", "near1", "far1", "direct" }
local WRITTEN = { exr = true, png = true, tif = true, tiff = true, dpx = true }
local EMPTY = {}
local fail, round, attribute, source = sources.fail, sources.round, sources.attribute, sources.source

-- Controls of which a shot has one value: field of the document, and its words where the control is a list.
local FIELDS = {
    { "DepthKind", "depth.convention", words = DEPTH_KINDS },
    { "DepthChannel", "depth.channel", text = true },
    { "DepthEdges", "depth.edges", words = { "auto", "exact", "repair" } },
    { "EdgeStrength", "depth.edge_strength" },
    { "Range", "in_focus_range" },
    { "NearMultiplier", "near_multiplier" },
    { "FarMultiplier", "far_multiplier" },
    { "MaximumRadius", "maximum_radius", left_out_at_zero = true },
    { "Blades", "aperture.blades", whole = true },
    { "Roundness", "aperture.roundness" },
    { "Rotation", "aperture.rotation" },
    { "Aspect", "aperture.aspect" },
    { "CatsEye", "aperture.cats_eye" },
    { "Ring", "aperture.ring" },
    { "Softness", "aperture.softness" },
    { "ApertureImage", "aperture.image", text = true },
    { "HighlightThreshold", "highlights.threshold" },
    { "HighlightGain", "highlights.gain" },
    { "Renderer", "renderer.name", words = { "optical", "any-to-bokeh" } },
    { "Quality", "renderer.quality", words = { "final", "draft" } },
    { "Weights", "renderer.any_to_bokeh.weights", text = true },
}

local function entries(listed)
    local found, at = {}, {}
    for key in pairs(listed or EMPTY) do
        if type(key) == "number" then
            at[#at + 1] = key
        end
    end
    table.sort(at)
    for _, key in ipairs(at) do
        found[#found + 1] = listed[key]
    end
    return found
end

local function groups(comp, selected)
    local found = {}
    for _, kind in ipairs({ "GroupOperator", "MacroOperator" }) do
        for _, group in ipairs(entries(comp:GetToolList(selected, kind))) do
            local tools = {}
            for _, tool in ipairs(entries(group.GetChildrenList and group:GetChildrenList())) do
                if tool:GetInput(MARK) ~= nil then
                    tools[#tools + 1] = tool
                end
            end
            if #tools > 0 then
                found[#found + 1] = { name = attribute(group, "TOOLS_Name") or MARK, tools = tools }
            end
        end
    end
    -- The tools count as well where they lie loose.
    for _, tool in ipairs(#found == 0 and entries(comp:GetToolList(selected, "Custom")) or EMPTY) do
        local focus = tool:GetInput(MARK) ~= nil and source(tool, "Image2")
        if focus then
            found[#found + 1] = { name = attribute(tool, "TOOLS_Name") or MARK, tools = { tool, focus } }
        end
    end
    return found
end

local function find_group(comp)
    local found = groups(comp, true)
    if #found == 0 then
        found = groups(comp, false)
    end
    if #found == 0 then
        fail("the comp has no Rackfocus group; add it from the Effects Library, between the plate and what follows")
    elseif #found > 1 then
        fail("the comp has several Rackfocus groups; select one of them")
    end
    return found[1]
end

local function owner(group, control)
    for _, tool in ipairs(group.tools) do
        if tool:GetInput(control) ~= nil then
            return tool
        end
    end
    fail("%s has no control %s; it comes from another version: add the group anew", group.name, control)
end

local function number(group, control, frame)
    return owner(group, control):GetInput(control, frame)
end

local function text(group, control)
    for _, tool in ipairs(group.tools) do
        local value = tool:GetInput(control)
        if type(value) == "string" and value:match("%S") then
            return value:match("^%s*(.-)%s*$")
        end
    end
    return nil
end

local function fields(group, frame)
    local document = {}
    for _, field in ipairs(FIELDS) do
        local held, value = document, nil
        if field.text then
            value = text(group, field[1])
        else
            value = number(group, field[1], frame)
            if field.words then
                value = field.words[round(value) + 1] or fail("%s is none of its entries; choose one", field[1])
            elseif field.whole then
                value = round(value)
            elseif field.left_out_at_zero and value == 0 then
                value = nil
            end
        end
        for step in field[2]:gmatch("([%w_]+)%.") do
            held[step] = held[step] or {}
            held = held[step]
        end
        held[field[2]:match("[%w_]+$")] = value
    end
    if next(document.renderer.any_to_bokeh) == nil then
        document.renderer.any_to_bokeh = nil
    end
    return document
end

-- A control over the frames of the comp, as focus or blur of the document.
local function curve(group, control, first, last, kind, offset, notes)
    local tool, samples = owner(group, control), {}
    for frame = first, last do
        samples[#samples + 1] = { frame, tool:GetInput(control, frame) }
    end
    local spline = source(tool, control)
    local plain = spline and not sources.has_expression(tool, control) and attribute(spline, "TOOLS_RegID") == "BezierSpline"
    local part, exact = curves.curve_of(samples, plain and spline:GetKeyFrames() or nil, kind, offset)
    if not exact then
        notes[#notes + 1] = control .. " is moved by more than a plain spline; its values were taken frame by frame"
    end
    return part
end

local function plate_of(comp, group, host, start, last)
    local named = text(group, "PlateFile")
    if named then
        return { path = (sources.pattern_of(comp:MapPath(named))), offset = round(number(group, "PlateOffset", 0)) }
    end
    local tool = sources.above(owner(group, "View"), "Image1")
    if tool and host and attribute(tool, "TOOLS_RegID") == "MediaIn" then
        return sources.of_clip(host, start, last)
    end
    return sources.files(comp, group, tool, "Plate")
end

local function depth_of(comp, group, plate)
    local named = text(group, "DepthFile")
    if named then
        local offset = plate.offset + round(number(group, "DepthOffset", 0))
        return { path = (sources.pattern_of(comp:MapPath(named))), offset = offset }
    end
    return sources.files(comp, group, sources.above(owner(group, "Focus"), "Image1"), "Depth")
end

local function limits(group, convention, frame)
    local near, far = number(group, "DepthNear", frame), number(group, "DepthFar", frame)
    if convention == "distance" then
        return near ~= 0 and near or nil, far ~= 0 and far or nil
    elseif convention == "inverse" then
        return near ~= 0 and near or nil, near ~= 0 and far or nil
    elseif convention == "direct" or near == far then
        return nil, nil
    end
    return near, far
end

local function point_keys(comp, group, plate, first, last)
    local width = plate.width or comp:GetPrefs("Comp.FrameFormat.Width")
    local height = plate.height or comp:GetPrefs("Comp.FrameFormat.Height")
    local tool = owner(group, "PointIn1")
    local times = { first }
    if source(tool, "PointIn1") or sources.has_expression(tool, "PointIn1") then
        times = entries(tool.PointIn1:GetKeyFrames())
        table.sort(times)
        if #times == 0 then
            for frame = first, last do
                times[#times + 1] = frame
            end
        end
    end
    local keys, frames = {}, last - first + 1
    for at, time in ipairs(times) do
        local p = tool:GetInput("PointIn1", time)
        -- Fusion counts from the bottom left, a shot from the top left.
        keys[at] = { frame = time + plate.offset, pixel = { p[1] * width, (1 - p[2]) * height } }
        if #times >= frames and frames > 1 then
            keys[at].interpolation = "linear"
        end
    end
    return { keys = keys }
end

local function output_of(comp, group, plate)
    local named = text(group, "OutputFile")
    if named then
        return comp:MapPath(named)
    end
    local folder, file = plate.path:match("^(.*[/\\])([^/\\]+)$")
    local slash = folder and folder:sub(-1) or "/"
    local ending = sources.extension(plate.path)
    local stem = file and file:gsub("%.[^.]+$", ""):gsub("[._ -]*#*$", "") or ""
    stem = (stem == "" and "plate" or stem) .. "_rackfocus"
    local name = stem .. "_v001"
    local kept = sources.MOVIES[ending] and ".mov" or ".####." .. (WRITTEN[ending] and ending or "png")
    return (folder or "") .. stem .. slash .. name .. slash .. name .. kept
end

-- The shot document of the comp's group, and what is needed to show the result.
local function shot_of(comp, host)
    local group = find_group(comp)
    local attributes = comp:GetAttrs() or fail("Fusion tells no render range; open the comp and try again")
    local first, last = round(attributes.COMPN_RenderStart), round(attributes.COMPN_RenderEnd)
    local plate = plate_of(comp, group, host, first, last)
    local depth = depth_of(comp, group, plate)
    first, last = math.max(first, plate.first or first), math.min(last, plate.last or last)
    if first > last then
        fail("%s has no files on the frames of the comp; correct the comp's render range", plate.path)
    end
    local shot, notes = fields(group, first), {}
    for _, field in ipairs(FIELDS) do
        if not field.text and source(owner(group, field[1]), field[1]) then
            notes[#notes + 1] = field[1] .. " is animated, but a shot has one value of it: that of frame " .. first
        end
    end
    local kind = FOCUS_KINDS[round(number(group, "FocusBy", first)) + 1] or fail("Focus by is none of its entries")
    if kind == "pixel" then
        shot.focus = point_keys(comp, group, plate, first, last)
    else
        shot.focus = curve(group, "Focus", first, last, kind, plate.offset, notes)
        shot.focus.space = kind
    end
    shot.schema_version = 1
    shot.name = group.name
    shot.plate = { path = plate.path, frames = string.format("%d-%d", first + plate.offset, last + plate.offset) }
    shot.depth.path = depth.path
    shot.depth.frame_offset = depth.offset - plate.offset
    shot.depth.near, shot.depth.far = limits(group, shot.depth.convention, first)
    shot.blur = curve(group, "K", first, last, "value", plate.offset, notes)
    shot.output = { path = output_of(comp, group, plate) }
    local job = { name = group.name, first = first, last = last, offset = plate.offset, notes = notes }
    job.output = shot.output.path
    return shot, job
end

return { find_group = find_group, shot_of = shot_of, text = text }
