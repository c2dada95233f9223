-- `neap -t`: policies that look as if they decide who may pass, in services where a failing hook
-- lets requests pass. They are judged by the answer to a made-up request without credentials, and
-- by the source of the `request` hook and of what it uses.

local native = require "neap.native"

local guards = {}

local REFUSALS = { [401] = true, [403] = true, [429] = true }
local FUNCTIONS_MAX, DEPTH = 200, 4

local function without_blocks(text)
  local parts, at = {}, 1
  while true do
    local from = text:find("--[[", at, true)
    local to = from and text:find("]]", from, true)
    if not to then break end
    table.insert(parts, text:sub(at, from - 1))
    at = to + 2
  end
  return table.concat(parts) .. text:sub(at)
end

-- Comments in strings do no harm here: only a number is looked for.
local function without_comments(text)
  return (without_blocks(text):gsub("%-%-[^\n]*", ""))
end

-- The first status in a source by which a request is refused.
---@param text string
---@return integer?
function guards.refusal_in(text)
  text = without_comments(text)
  if not text:find("reply", 1, true) then return nil end
  for number in text:gmatch "%f[%w]%d+%f[^%w]" do
    if REFUSALS[tonumber(number)] then return tonumber(number) end
  end
end

-- The files that a function and what it keeps come from.
local function add_sources(value, found, depth)
  if depth == 0 or found.seen[value] or found.left == 0 then return end
  if type(value) == "table" then
    found.seen[value], found.left = true, found.left - 1
    for _, inner in next, value do add_sources(inner, found, depth - 1) end
  elseif type(value) == "function" then
    found.seen[value], found.left = true, found.left - 1
    local source = debug.getinfo(value, "S").source
    if source:sub(1, 1) == "@" then found.files[source:sub(2)] = true end
    for i = 1, 60 do
      local name, inner = debug.getupvalue(value, i)
      if not name then break end
      add_sources(inner, found, depth - 1)
    end
  end
end

-- A status with which the hook may refuse, and the file that says so.
local function refusal_of(hook)
  local found = { seen = {}, files = {}, left = FUNCTIONS_MAX }
  add_sources(hook, found, DEPTH)
  local files = {}
  for file in pairs(found.files) do table.insert(files, file) end
  table.sort(files)
  for _, file in ipairs(files) do
    local text = native.read(file)
    local status = text and guards.refusal_in(text)
    if status then return status, file end
  end
end

---@param path string  of the config
---@param config table
---@param policies table<integer, table>  by number of a service, from 0
---@param answers table<integer, integer>  by number of a service: what it answered; 0: nothing
---@return string[]  -- a line for each service
function guards.warnings(path, config, policies, answers)
  local lines = {}
  for i, service in ipairs(config.services) do
    local hook = policies[i - 1] and policies[i - 1].request
    local status, file
    if hook and not service.guard and service.on_error ~= "refuse" then
      status, file = answers[i - 1], "a made-up request was answered so"
      if not REFUSALS[status] then status, file = refusal_of(hook) end
    end
    if status then
      table.insert(lines, ("%s: %s: its request hook can answer %d (%s), but when the hook fails, "
        .. "requests pass without it; set guard = true in the service, or on_error = \"refuse\"")
        :format(path, service.policy_key or "policy", status, file))
    end
  end
  return lines
end

return guards
