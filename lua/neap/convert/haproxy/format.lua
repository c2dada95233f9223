-- Log formats (%[src], %ci, %%) as expressions of Lua.

local code = require "neap.convert.code"
local fetch = require "neap.convert.haproxy.fetch"

local format = {}

local ALIASES = {
  ci = "r.client_ip", cp = "tostring(r.client_port)", HM = "r.method", HP = "path_of(r)",
  HU = "(path_of(r) .. query_of(r))", HQ = "query_of(r)", ID = "r.id",
  HV = '("HTTP/" .. r.version)',
}

local function of_sample(sample)
  if sample.kind == "number" then return ("tostring(%s)"):format(sample.code) end
  if sample.kind == "bool" then return ('(%s and "1" or "0")'):format(sample.code) end
  if sample.kind == "ip" or sample.code:find '^".*"$' then return sample.code end
  return ('(%s or "")'):format(sample.code)
end

-- A sample as a text that is never nil.
function format.text_of(word, job, section)
  local sample, why = fetch.sample(word, job, section)
  if not sample then return nil, why end
  return of_sample(sample)
end

-- The end of %[…], whose expression may have brackets of its own.
local function bracket_end(text, at)
  local depth = 0
  for i = at, #text do
    local c = text:sub(i, i)
    depth = depth + (c == "[" and 1 or c == "]" and -1 or 0)
    if depth == 0 then return i end
  end
end

local function part_at(text, at, job, section)
  local c = text:sub(at + 1, at + 1)
  if c == "%" then return code.text "%", at + 2 end
  if c == "[" then
    local stop = bracket_end(text, at + 1)
    if not stop then return nil, "a %[ has no end" end
    local expression, why = format.text_of(text:sub(at + 2, stop - 1), job, section)
    return expression, expression and stop + 1 or why
  end
  local alias = text:match("^%a%a", at + 1)
  if alias and ALIASES[alias] then return ALIASES[alias], at + 3 end
  return nil, ("there is no counterpart of %s"):format(text:sub(at, at + 2))
end

---@return string? expression, string? why
function format.compile(text, job, section)
  local parts, at = {}, 1
  while at <= #text do
    local stop = text:find("%", at, true) or #text + 1
    if stop > at then table.insert(parts, code.text(text:sub(at, stop - 1))) end
    at = stop
    if stop <= #text then
      local expression, after = part_at(text, stop, job, section)
      if not expression then return nil, after end
      table.insert(parts, expression)
      at = after
    end
  end
  return #parts == 0 and '""' or table.concat(parts, " .. ")
end

return format
