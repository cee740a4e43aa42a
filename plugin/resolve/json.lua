-- Values as JSON: tables with a first entry are lists, others are objects with sorted names.

local ESCAPES = { ['"'] = '\\"', ["\\"] = "\\\\", ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

local function json(value, indent)
    indent = indent or ""
    local inner = indent .. "  "
    if type(value) == "string" then
        local text = value:gsub('[%c"\\]', function(c)
            return ESCAPES[c] or string.format("\\u%04x", c:byte())
        end)
        return '"' .. text .. '"'
    elseif type(value) == "number" then
        if value ~= value or value == math.huge or value == -math.huge then
            error({ sentence = "a control holds a number that is not finite; correct it" }, 0)
        end
        -- A dot also where the system writes a comma.
        return value == math.floor(value) and math.abs(value) < 1e15 and string.format("%d", value)
            or (string.format("%.17g", value):gsub(",", "."))
    elseif type(value) ~= "table" then
        return tostring(value)
    end
    local rows = {}
    if value[1] ~= nil then
        for _, item in ipairs(value) do
            rows[#rows + 1] = inner .. json(item, inner)
        end
        return "[\n" .. table.concat(rows, ",\n") .. "\n" .. indent .. "]"
    end
    local names = {}
    for name in pairs(value) do
        names[#names + 1] = name
    end
    table.sort(names)
    for _, name in ipairs(names) do
        rows[#rows + 1] = inner .. json(name) .. ": " .. json(value[name], inner)
    end
    return "{\n" .. table.concat(rows, ",\n") .. "\n" .. indent .. "}"
end

return json
