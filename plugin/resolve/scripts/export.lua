-- Rackfocus where there is no Python: writes the Rackfocus group of this comp as a shot document, renders it with the
-- engine beside Fusion, and loads the result. Fusion runs this in a process of its own, so it may wait.

local app = fusion or fu
local WINDOWS = package.config:sub(1, 1) == "\\"

-- What hosts set for themselves and the engine must not inherit; see finding.py.
local LEFT_OUT = { "PYTHONHOME", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "LD_PRELOAD", "DYLD_LIBRARY_PATH" }

-- The folder of the plugin: beside this script's own folder, or beside the Scripts folders of Fusion.
local function plugin_folder()
    local here = debug.getinfo(1, "S").source:match("^@(.*[/\\])")
    local places = { here and here .. "../../" }
    for place in (app and app:MapPath("Scripts:") or ""):gmatch("[^;]+") do
        places[#places + 1] = place .. "/../"
    end
    for _, place in pairs(places) do
        local file = io.open(place .. "rackfocus_plugin/resolve/shot.lua", "r")
        if file then
            file:close()
            return place .. "rackfocus_plugin/"
        end
    end
    error({ sentence = "rackfocus_plugin is not beside the Scripts folder; run rackfocus install resolve again" }, 0)
end

local function quoted(word)
    if WINDOWS then
        return '"' .. word .. '"'
    end
    return "'" .. word:gsub("'", "'\\''") .. "'"
end

-- The engine's command line: a setting, the variable RACKFOCUS, what the installer wrote, or PATH.
local function engine_command(setting, folder)
    local given = setting or os.getenv("RACKFOCUS")
    if given then
        local program = io.open(given, "rb")
        return program and quoted(given) or given -- else it is a command line
    end
    local marker = io.open(folder .. "engine.json", "r")
    local list = marker and marker:read("*a"):match('"command"%s*:%s*%[(.-)%]')
    if marker then
        marker:close()
    end
    local words = {}
    for word in (list or ""):gmatch('"(.-[^\\])"') do
        words[#words + 1] = quoted((word:gsub("\\(.)", "%1")))
    end
    return #words > 0 and table.concat(words, " ") or "rackfocus"
end

-- Writes the document beside the comp, or beside the plate where the comp has no file; whole or not at all.
local function save(comp, shot, json)
    local file = (comp:GetAttrs() or {}).COMPS_FileName
    local base = file and file ~= "" and comp:MapPath(file):gsub("%.[^./\\]+$", "")
        or shot.plate.path:gsub("[^/\\]+$", "") .. "comp"
    local path = base .. "_" .. shot.name .. ".json"
    local out, reason = io.open(path .. ".tmp", "w")
    if not out then
        error({ sentence = path .. " cannot be written (" .. reason .. "); save the comp where you may write" }, 0)
    end
    out:write(json(shot), "\n")
    out:close()
    if WINDOWS then
        os.remove(path) -- there no file is renamed onto another
    end
    assert(os.rename(path .. ".tmp", path))
    return path
end

-- Renders and prints what the engine says; Lua 5.1 has no exit status of a pipe, the files tell how it went.
local function render(line)
    local cleared = {}
    for _, name in ipairs(LEFT_OUT) do
        cleared[#cleared + 1] = WINDOWS and "set " .. name .. "=&" or "-u " .. name
    end
    local whole = table.concat(cleared, " ") .. " " .. line .. " 2>&1"
    -- cmd.exe takes away the outermost quotes.
    local pipe = io.popen(WINDOWS and '"' .. whole .. '"' or "env " .. whole, "r")
    if pipe then
        for text in pipe:lines() do
            print("Rackfocus: " .. text)
        end
        pipe:close()
    end
end

-- A Loader of the result; false where there is no result.
local function show(comp, job)
    local path = job.output:gsub("#+", function(hashes)
        return string.format("%0" .. #hashes .. "d", job.first + job.offset)
    end)
    local there = io.open(path, "rb")
    if not there then
        return false
    end
    there:close()
    comp:StartUndo("Rackfocus result")
    comp:Lock() -- without it a Loader asks for its file in a dialog
    local loader = comp:AddTool("Loader", -32768, -32768)
    comp:Unlock()
    if loader then
        loader:SetAttrs({ TOOLS_Name = job.name .. "_Result", TOOLB_NameSet = true })
        loader:SetInput("Clip", path)
        -- Fusion lets GlobalIn not past GlobalOut, and moves the trims with both.
        local later = job.first > (loader:GetInput("GlobalIn") or 0)
        loader:SetInput(later and "GlobalOut" or "GlobalIn", later and job.last or job.first)
        loader:SetInput(later and "GlobalIn" or "GlobalOut", later and job.first or job.last)
        loader:SetInput("ClipTimeStart", 0)
        loader:SetInput("ClipTimeEnd", job.last - job.first)
    end
    comp:EndUndo(true)
    return loader ~= nil
end

local function main(comp, host)
    local folder = plugin_folder()
    local parts = folder .. "resolve/"
    local shots = assert(loadfile(parts .. "shot.lua"))(dofile(parts .. "curves.lua"), dofile(parts .. "sources.lua"))
    local shot, job = shots.shot_of(comp, host)
    local path = save(comp, shot, dofile(parts .. "json.lua"))
    local line = engine_command(shots.text(shots.find_group(comp), "Engine"), folder) .. " render " .. quoted(path)
    for _, note in ipairs(job.notes) do
        print("Rackfocus: " .. note)
    end
    print("Rackfocus: wrote " .. path)
    print("Rackfocus: rendering; in a terminal it is: " .. line)
    render(line)
    if show(comp, job) then
        print("Rackfocus: " .. job.name .. "_Result shows " .. job.output)
    else
        print("Rackfocus: there is no result; what went wrong is said above")
    end
end

local host = resolve or (bmd and bmd.scriptapp and bmd.scriptapp("Resolve"))
local ok, problem = pcall(main, comp or (app and app:GetCurrentComp()), host)
if not ok then
    print("Rackfocus: " .. (type(problem) == "table" and problem.sentence or tostring(problem)))
end
