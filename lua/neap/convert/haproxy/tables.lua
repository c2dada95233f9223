-- stick-table: a shared store and what is counted in it.

local code = require "neap.convert.code"
local units = require "neap.convert.units"

local tables = {}
local Tables = {}
Tables.__index = Tables

local ENTRY = 200 -- bytes, with a text of usual length and some counts
local LEAST, MOST = 65536, 2^30

function tables.new(job) return setmetatable({ job = job, by_name = {} }, Tables) end

-- Notes all stick tables first: rules name those of other sections.
function Tables:collect(sections)
  for _, section in ipairs(sections) do
    for _, line in ipairs(section:rules { ["stick-table"] = true }) do
      if section.name then self.by_name[section.name] = { line = line, section = section } end
    end
  end
end

local function size_of(words)
  for i = 2, #words - 1 do
    if words[i] == "size" then return units.bytes(words[i + 1]) end
  end
end

local function value_of(words, name)
  for i = 2, #words - 1 do
    if words[i] == name then return words[i + 1] end
  end
end

local COUNTED = { http = true, conn = true, gpc = true, gpt = true, bytes = true }

local function counts(line)
  local t, unknown = code.table(), {}
  for item in (value_of(line, "store") or ""):gmatch "[^,%s]+" do
    local name, period = item:match "^([%w_]+)%(([%w]+)%)$"
    local seconds = period and units.seconds(period, 0.001)
    name = name or item
    if name:find "^sess_" then name = name:gsub("^sess_", "conn_") end
    if COUNTED[name:match "^%l+"] then
      t:set(name, seconds and code.number(seconds) or "true")
    elseif name ~= "server_id" and name ~= "server_key" then
      table.insert(unknown, name)
    end
  end
  return t, unknown
end

local function write(self, name, entry)
  local job, line = self.job, entry.line
  local store = code.free_name(job.store_names, "st_" .. name)
  local bytes = (size_of(line) or 10000) * ENTRY
  job.stores:set(store, code.table():set("bytes",
    code.number(math.max(LEAST, math.min(bytes, MOST)))))
  local t, unknown = counts(line)
  for _, word in ipairs(unknown) do
    job.constants_out:remark(job.notes:lacks(line, ("stick-table: %s is not counted"):format(word)))
  end
  local expire = units.seconds(value_of(line, "expire") or "", 0.001)
  job.constants_out:remark(("stick-table of %s (%s:%d)"):format(name, line.file, line.line))
  job.constants_out:add("TABLES[%s] = new_table(%s, %s, %s)", code.text(name), code.text(store),
    expire and code.number(expire) or "nil", code.render(t, 1))
end

-- The name of one that there is, which is then written; or nil.
---@return string?
function Tables:name(name)
  local entry = self.by_name[name or ""]
  if not entry then return nil end
  if not entry.is_written then
    entry.is_written = true
    write(self, name, entry)
  end
  return name
end

return tables
