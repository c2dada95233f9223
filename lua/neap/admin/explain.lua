-- GET /explain: the stories of requests that are on the board, the newest first.
--   ?id=ID     that of one request
--   ?pool=P    those of pool P's requests; ?failed=1: those of requests that had a failure
--   ?last=N    so many, 20 by default

local current = require "neap.runtime.current"
local ffi = require "neap.ffi"
local json = require "neap.admin.json"
local reply = require "neap.admin.reply"
local runtime = require "neap.runtime"

local C = ffi.C
local ROWS, BYTES = ffi.numbers.NEAP_BOARD_STORIES, ffi.numbers.NEAP_BOARD_STORY_BYTES
local LAST = 20
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

-- From the newest story of a shelf to its oldest: texts of JSON, as C has made them.
local function walk(failed)
  local number = C.neap_stories(failed)
  local oldest, buffer = math.max(number - ROWS, 0), ffi.new("char[?]", BYTES)
  return function()
    while number > oldest do
      number = number - 1
      local n = C.neap_story(failed, number, buffer)
      if n > 0 then return ffi.string(buffer, n) end -- else it is being written at this moment
    end
  end
end

local function time_of(text) return text and text:match '"time":"([^"]*)"' or "" end

-- From the newest to the oldest, of one shelf or both.
local function newest_first(only_failed)
  local next_failed, next_sampled = walk(1), only_failed and function() end or walk(0)
  local failed, sampled = next_failed(), next_sampled()
  return function()
    local text = sampled
    if failed and time_of(failed) >= time_of(sampled) then
      text, failed = failed, next_failed()
    elseif sampled then
      sampled = next_sampled()
    end
    return text
  end
end

-- nil: no story has it.
local function quoted(text)
  return C.neap_story_text(text, #text) == 1 and current.out() or nil
end

-- Nothing is decoded: quotes within texts are escaped, so that a key is found as it stands. The
-- pool that served comes after those of the steps.
local function is_wanted(text, id, pool)
  return (not id or text:sub(1, #id) == id)
    and (not pool or text:match '^.*"pool":("[^"]*")' == pool)
end

local function collect(wanted)
  local found, id = {}, wanted.id and quoted(wanted.id)
  if wanted.id and not id then return found end
  id = id and '{"id":' .. id .. ","
  local pool = wanted.pool and quoted(wanted.pool)
  for text in newest_first(wanted.failed) do
    if is_wanted(text, id, pool) then
      table.insert(found, text)
      if #found == wanted.last or id then break end
    end
  end
  table.sort(found, function(a, b) return time_of(a) > time_of(b) end)
  return found
end

function explain.answer(q)
  if not runtime.config.explain then
    return reply.error(404, "explain is off (expected explain = {} in the config)")
  end
  local wanted, why = parse(q.query)
  if not wanted then return reply.error(400, why) end
  local texts = collect(wanted)
  if wanted.id and #texts == 0 then
    return reply.error(404, ("no story of request %s (it was not sampled, or newer ones have "
      .. "pushed it out)"):format(json.encode(wanted.id)))
  end
  local kept = tonumber(C.neap_stories(0) + C.neap_stories(1))
  return reply.text(200, "application/json", ('{"stories":[%s],"kept":%d,"sample":%.14g}\n')
    :format(table.concat(texts, ",\n"), kept, runtime.config.explain.sample))
end

return explain
