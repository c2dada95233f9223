-- GET /explain: the stories of requests that are on the board, the newest first.
--   ?id=ID     of that request alone
--   ?pool=P    of those that pool P served; ?failed=1: of those that had a failure
--   ?last=N    so many, 20 unless told

local decode = require("cjson.safe").decode
local ffi = require "neap.ffi"
local json = require "neap.admin.json"
local reply = require "neap.admin.reply"
local runtime = require "neap.runtime"

local C = ffi.C
local ROWS, BYTES, LAST = 512, 4096, 20
local KEYS = { id = true, pool = true, failed = true, last = true }

local explain = {}

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(digits) return string.char(tonumber(digits, 16)) end))
end

local function is_pool(name)
  for _, pool in ipairs(runtime.config.pools) do
    if pool.name == name then return true end
  end
  return false
end

---@return table? wanted, string? why
local function parse(query)
  local wanted = { last = LAST }
  for pair in (query or ""):gmatch "[^&]+" do
    local key, value = pair:match "^([^=]*)=?(.*)$"
    if not KEYS[key] then
      return nil, ("unknown parameter '%s' (known: id, pool, failed, last)"):format(key or pair)
    end
    wanted[key] = unescape(value)
  end
  if wanted.pool and not is_pool(wanted.pool) then
    return nil, ("pool: no pool '%s' is configured"):format(wanted.pool)
  end
  local last = tonumber(wanted.last)
  if not last or last < 1 or last > 2 * ROWS or last % 1 ~= 0 then
    return nil, ("last: '%s' is not a number from 1 to %d"):format(wanted.last, 2 * ROWS)
  end
  wanted.last = last
  return wanted
end

local function is_wanted(story, wanted)
  return (not wanted.id or story.id == wanted.id) and (not wanted.pool or story.pool == wanted.pool)
end

-- A row that is being written right now is left out.
local function collect(wanted)
  local found, buffer = {}, ffi.new("char[?]", BYTES)
  for failed = wanted.failed and 1 or 0, 1 do
    for row = 0, ROWS - 1 do
      local n = C.neap_story(failed, row, buffer)
      local text = n > 0 and ffi.string(buffer, n)
      local story = text and decode(text)
      if type(story) == "table" and is_wanted(story, wanted) then
        table.insert(found, { time = story.time or "", text = text })
      end
    end
  end
  table.sort(found, function(a, b) return a.time > b.time end)
  return found
end

function explain.answer(q)
  if not runtime.config.explain then
    return reply.error(404, "explain is off (expected explain = {} in the config)")
  end
  local wanted, why = parse(q.query)
  if not wanted then return reply.error(400, why) end
  local found, texts = collect(wanted), {}
  for i = 1, math.min(#found, wanted.last) do texts[i] = found[i].text end
  if wanted.id and #texts == 0 then
    return reply.error(404, ("no story of request %s (it was not sampled, or newer ones have "
      .. "pushed it out)"):format(json.encode(wanted.id)))
  end
  return reply.text(200, "application/json",
    '{"stories":[' .. table.concat(texts, ",\n") .. "]}\n")
end

return explain
