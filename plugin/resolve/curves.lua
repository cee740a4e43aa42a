-- Fusion's splines as keys of a shot document; the same as curves.py, in Lua 5.1.
--
-- A spline is read as it is, tangents included, and then held against the values that Fusion itself gives on every frame:
-- the reading that goes through all of them is the right one. Where none does, the values themselves are kept.

local CLOSE = 1e-7 -- how far a curve may lie from Fusion's own values, where those are about 1

local function handle(row, side, frame, value)
    local pair = row[side]
    return pair and { pair[1] - frame, pair[2] - value }
end

local function read(spline, absolute, into)
    local frames, keys = {}, {}
    for frame in pairs(spline) do
        if type(frame) == "number" then
            frames[#frames + 1] = frame
        end
    end
    table.sort(frames)
    local here, there = into and "StepOut" or "StepIn", into and "StepIn" or "StepOut"
    for at, frame in ipairs(frames) do
        local row, following = spline[frame], spline[frames[at + 1]]
        local value = row[1]
        local f, v = absolute and frame or 0, absolute and value or 0
        local key = { frame = frame, value = value, left = handle(row, "LH", f, v), right = handle(row, "RH", f, v) }
        key.step = (row.Flags and row.Flags[here]) or (following and following.Flags and following.Flags[there])
        if (key.left and key.left[1] > CLOSE) or (key.right and key.right[1] < -CLOSE) then
            return nil
        end
        keys[at] = key
    end
    return #keys > 0 and keys or nil
end

-- Times and values of the four points; no handle reaches past the other key.
local function segment(a, b)
    local length, rise = b.frame - a.frame, b.value - a.value
    local out, back = a.right or { length / 3, rise / 3 }, b.left or { -length / 3, -rise / 3 }
    local function within(pair)
        local reach = math.abs(pair[1])
        return reach <= length and pair or { pair[1] * length / reach, pair[2] * length / reach }
    end
    out, back = within(out), within(back)
    return { a.frame, a.frame + out[1], b.frame + back[1], b.frame },
        { a.value, a.value + out[2], b.value + back[2], b.value }
end

local function bezier(p, t)
    local s = 1 - t
    return s * s * s * p[1] + 3 * s * s * t * p[2] + 3 * s * t * t * p[3] + t * t * t * p[4]
end

local function slope(keys, at_end)
    local a, b = keys[1], keys[2]
    if at_end then
        a, b = keys[#keys - 1], keys[#keys]
    end
    if #keys == 1 or a.step then
        return 0
    end
    local times, values = segment(a, b)
    local from, to, step = 1, 4, 1
    if at_end then
        from, to, step = 4, 1, -1
    end
    for at = from + step, to, step do
        if times[at] ~= times[from] or values[at] ~= values[from] then
            local run = times[at] - times[from]
            return run ~= 0 and (values[at] - values[from]) / run or 0
        end
    end
    return 0
end

local function evaluate(keys, frame)
    local at = 1
    while keys[at + 1] and keys[at + 1].frame <= frame do
        at = at + 1
    end
    local a = keys[at]
    if frame == a.frame or a.step then
        return a.value
    end
    local times, values = segment(a, keys[at + 1])
    local low, high = 0, 1
    for _ = 1, 60 do
        local middle = (low + high) / 2
        if bezier(times, middle) < frame then
            low = middle
        else
            high = middle
        end
    end
    return bezier(values, (low + high) / 2)
end

-- How the curve goes on beyond its keys, "hold" or "linear"; nothing if it does not go through the samples.
local function ends(keys, samples, close)
    local found = {}
    for side = 1, 2 do
        local key = side == 1 and keys[1] or keys[#keys]
        for _, mode in ipairs({ "hold", "linear" }) do
            local rise, fits = mode == "linear" and slope(keys, side == 2) or 0, true
            for _, sample in ipairs(samples) do
                local beyond = side == 1 and sample[1] < key.frame or side == 2 and sample[1] > key.frame
                if beyond and math.abs(key.value + rise * (sample[1] - key.frame) - sample[2]) > close then
                    fits = false
                end
            end
            if fits and not found[side] then
                found[side] = mode
            end
        end
    end
    for _, sample in ipairs(samples) do
        local inside = sample[1] >= keys[1].frame and sample[1] <= keys[#keys].frame
        if inside and math.abs(evaluate(keys, sample[1]) - sample[2]) > close then
            return nil
        end
    end
    return found[1] and found[2] and found
end

local function written(keys, kind, offset)
    local found = {}
    for at, key in ipairs(keys) do
        found[at] = { frame = key.frame + offset, [kind] = key.value, interpolation = "bezier" }
    end
    for at = 1, #keys - 1 do
        local a, b = keys[at], keys[at + 1]
        local times, values = segment(a, b)
        local length, rise = b.frame - a.frame, b.value - a.value
        local function on_line(from, to)
            local off = math.abs((values[to] - values[from]) * length - (times[to] - times[from]) * rise)
            return off <= 1e-12 * length * math.max(1, math.abs(rise))
        end
        if a.step then
            found[at].interpolation = "constant"
        elseif on_line(1, 2) and on_line(4, 3) then
            found[at].interpolation = "linear"
        else
            found[at].right = { frames = times[2] - times[1], value = values[2] - values[1] }
            found[at + 1].left = { frames = times[3] - times[4], value = values[3] - values[4] }
        end
    end
    return found
end

-- Values that no plain spline gives, as straight lines from frame to frame; what does not change takes one key.
local function sampled(samples, kind, offset)
    local keys = {}
    for at, sample in ipairs(samples) do
        local same = at > 1 and at < #samples and sample[2] == samples[at - 1][2] and sample[2] == samples[at + 1][2]
        if not same then
            keys[#keys + 1] = { frame = sample[1] + offset, [kind] = sample[2], interpolation = "linear" }
        end
    end
    if #keys == 2 and keys[1][kind] == keys[2][kind] then
        keys[2] = nil
    end
    return keys
end

-- An animated value, as focus or blur of the document.
--   samples: list of { frame, value }, for every frame of the shot
--   spline: what GetKeyFrames of a BezierSpline gives, or nil
--   kind: "value", "disparity" or "distance"
--   offset: added to every frame
-- Gives the part of the document, and whether its keys are those of the spline.
local function curve_of(samples, spline, kind, offset)
    local largest = 1
    for _, sample in ipairs(samples) do
        largest = math.max(largest, math.abs(sample[2]))
    end
    for _, reading in ipairs({ { true, true }, { true, false }, { false, true }, { false, false } }) do
        local keys = spline and read(spline, reading[1], reading[2])
        local beyond = keys and ends(keys, samples, CLOSE * largest)
        if beyond then
            return { keys = written(keys, kind, offset), before = beyond[1], after = beyond[2] }, true
        end
    end
    local keys = sampled(samples, kind, offset)
    return { keys = keys, before = "hold", after = "hold" }, #keys == 1
end

return { curve_of = curve_of }
