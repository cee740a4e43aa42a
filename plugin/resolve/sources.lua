-- Where the plate and the depth come from; the same as sources.py, in Lua 5.1.

local MOVIES = { mov = true, mp4 = true, m4v = true, mxf = true, mkv = true, avi = true, braw = true, r3d = true }

-- An error that is a sentence for a person.
local function fail(sentence, ...)
    error({ sentence = string.format(sentence, ...) }, 0)
end

local function round(value)
    return math.floor(value + 0.5)
end

local function attribute(tool, name)
    local value = (tool:GetAttrs() or {})[name]
    if type(value) == "table" then
        return value[1]
    end
    return value
end

-- The tool on an input.
local function source(tool, name)
    local input = tool[name]
    local output = input and input:GetConnectedOutput()
    return output and output:GetTool()
end

-- Whether an expression moves an input; one that was taken away may be left as an empty text.
local function has_expression(tool, name)
    return (tool[name]:GetExpression() or "") ~= ""
end

local function extension(path)
    return (path:match("%.([^./\\]+)$") or ""):lower()
end

-- A sequence's pattern and the number of its first file.
local function pattern_of(path)
    if MOVIES[extension(path)] then
        return path, 1
    end
    local head, digits, tail = path:match("^(.*)%[(%d+)%-%d+%](%.[^.]+)$")
    if not head then
        head, digits, tail = path:match("^(.-)(%d+)(%.[^./\\]+)$")
    end
    if not head then
        return path, 0
    end
    return head .. string.rep("#", #digits) .. tail, tonumber(digits)
end

local function of_loader(comp, loader)
    local name = attribute(loader, "TOOLS_Name") or "the Loader"
    local clip = attribute(loader, "TOOLST_Clip_Name") or loader:GetInput("Clip")
    if not clip or clip == "" then
        fail("%s shows no files; choose some", name)
    end
    for _, control in ipairs({ "Reverse", "Loop" }) do
        if (loader:GetInput(control) or 0) ~= 0 then
            fail("%s has %s on, and a shot runs forward once; switch it off, or render it first", name, control)
        end
    end
    local path, first = pattern_of(comp:MapPath(clip))
    local movie = MOVIES[extension(path)]
    if not movie and (attribute(loader, "TOOLIT_Clip_Length") or 1) == 1 then
        fail("%s shows one picture only; give a sequence or a movie", name)
    end
    if not movie then
        first = attribute(loader, "TOOLIT_Clip_StartFrame") or first
    end
    local function place(control)
        return round(loader:GetInput(control) or 0)
    end
    local begin, trim = place("GlobalIn") + place("HoldFirstFrame"), place("ClipTimeStart")
    return {
        path = path,
        offset = round(first) + trim - begin,
        first = begin,
        last = begin + math.max(place("ClipTimeEnd"), trim) - trim,
        width = attribute(loader, "TOOLIT_Clip_Width"),
        height = attribute(loader, "TOOLIT_Clip_Height"),
    }
end

-- The clip of the timeline that a MediaIn shows.
local function of_clip(host, start, last)
    local manager = host and host:GetProjectManager()
    local project = manager and manager:GetCurrentProject()
    local timeline = project and project:GetCurrentTimeline()
    local item = timeline and timeline:GetCurrentVideoItem()
    local media = item and item:GetMediaPoolItem()
    local path = media and media:GetClipProperty("File Path")
    if not path or path == "" then
        fail("the clip under the playhead has no files of its own; name them in Plate file")
    end
    if path:match("_rackfocus_v%d+") then
        fail("%s shows a result of Rackfocus; select its first take, then render again", item:GetName())
    end
    local used, duration = item:GetSourceEndFrame() - item:GetSourceStartFrame(), round(item:GetDuration())
    if used ~= duration and used ~= duration - 1 then
        fail("%s is retimed; render it in place first", item:GetName())
    end
    local pattern, first = pattern_of(path)
    local width, height = tostring(media:GetClipProperty("Resolution")):match("^(%d+)x(%d+)$")
    return {
        path = pattern,
        offset = first + round(item:GetLeftOffset()) - start,
        first = start,
        last = last,
        width = tonumber(width),
        height = tonumber(height),
    }
end

local function above(tool, name)
    local held = source(tool, name)
    while held and attribute(held, "TOOLS_RegID") == "PipeRouter" do
        held = source(held, "Input")
    end
    return held
end

local function files(comp, group, tool, what)
    if not tool then
        fail("%s has no %s; connect a Loader, or name its files in %s file", group.name, what:lower(), what)
    elseif attribute(tool, "TOOLS_RegID") ~= "Loader" then
        fail(
            "the %s comes from %s, which is no file; render it with a Saver and load that, or name its files in %s file",
            what:lower(),
            attribute(tool, "TOOLS_Name") or "a tool",
            what
        )
    end
    return of_loader(comp, tool)
end

return {
    MOVIES = MOVIES,
    above = above,
    attribute = attribute,
    extension = extension,
    fail = fail,
    files = files,
    has_expression = has_expression,
    of_clip = of_clip,
    pattern_of = pattern_of,
    round = round,
    source = source,
}
