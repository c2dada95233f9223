-- Walks a table along the rows of the schema: reports everything wrong in it, and returns a copy
-- with the defaults filled in.

local grpc = require "neap.config.grpc"
local nearest = require "neap.config.nearest"
local schema = require "neap.config.schema"
local show = require "neap.config.show"
local statuses = require "neap.config.statuses"
local types = require "neap.config.types"
local unknown = require "neap.config.unknown"

local check = {}

-- Types that hold others: name → function(row, value, key, report) → the normalised value, or nil.
local holders = {}

local function contains(list, value)
  for _, entry in ipairs(list or {}) do
    if entry == value then return true end
  end
  return false
end

local function expectation(row)
  local text = types[row[2]].expected(row)
  if row.also then text = text .. ", or " .. types.one_of(row.also) end
  return text
end

-- row.elsewhere: values that another key takes → which one.
local function misspelt(row, value)
  if row.elsewhere and row.elsewhere[value] then return "; " .. row.elsewhere[value] end
  if type(value) ~= "string" then return "" end
  local word = row.hints and row.hints[value] or row.values and nearest.find(value, row.values)
  return word and ("; did you mean '%s'?"):format(word) or ""
end

-- Is this a part that is not built yet?
local function is_later(row, value)
  return row.later == true or (type(row.later) == "table" and row.later[value] == true)
end

local function single(row, value, key, report)
  local type_of = types[row[2]]
  local ok, result = type_of.check(value, row)
  if ok then return result == nil and value or result end
  local text = type(result) == "string" and result ~= value and result
    or show.value(value) .. " is not " .. type_of.what
  report:add(key, ("%s (expected %s)%s"):format(text, expectation(row), misspelt(row, value)))
  return nil
end

-- The value of one row, checked; nil when it is wrong (and reported).
---@param row table
---@param value any  not nil
---@param key string
---@param report table
function check.value(row, value, key, report)
  if contains(row.also, value) then return value end
  if is_later(row, value) then
    local what = row.later == true and row[1] or ("%s = %s"):format(row[1], show.value(value))
    report:add(key, what .. " is not available in this version")
    return nil
  end
  local holder = holders[row[2]]
  if holder then return holder(row, value, key, report) end
  return single(row, value, key, report)
end

-- The number of items of a list; nil, and a report, when the value is not one.
---@return integer?
function check.list_length(value, key, report, of)
  if type(value) ~= "table" then
    report:add(key, ("%s is not a list (expected a list of %s)"):format(show.value(value), of))
    return nil
  end
  local count, most = 0, 0
  for index in next, value do
    count = count + 1
    if type(index) ~= "number" or index < 1 or index % 1 ~= 0 then
      local text = "it has the key %s, so it is not a list (expected a list of %s)"
      report:add(key, text:format(show.value(index), of))
      return nil
    end
    most = math.max(most, index)
  end
  if most ~= count then
    report:add(key, ("the list has a hole: %d items, the last of them is number %.14g")
      :format(count, most))
    return nil
  end
  return count
end

-- As list_length, and no more than `max` items.
function check.short_list_length(value, max, key, report, of)
  local count = check.list_length(value, key, report, of)
  if count and count > max then
    report:add(key, ("%d items are too many (expected at most %d)"):format(count, max))
    return nil
  end
  return count
end

function holders.list(row, value, key, report)
  local count = check.short_list_length(value, row.max, key, report, types[row.of[2]].what)
  local list = {}
  for i = 1, count or 0 do
    list[i] = check.value(row.of, rawget(value, i), show.path(key, i), report)
  end
  return list
end

function holders.status_list(row, value, key, report)
  local count = check.short_list_length(value, row.max, key, report, "statuses")
  local ranges = {}
  for i = 1, count or 0 do
    local found = type(rawget(value, i)) ~= "table" and statuses.parse(rawget(value, i))
    if not found then
      report:add(show.path(key, i), show.value(rawget(value, i))
        .. " is not a status (expected a number from 100 to 599, or a text like \"500-599\")")
    end
    for _, range in ipairs(found or {}) do table.insert(ranges, range) end
  end
  return statuses.list(ranges)
end

-- Calls that went well are no failures.
function holders.grpc_status_list(row, value, key, report)
  local count = check.short_list_length(value, row.max, key, report, "statuses")
  local list = {}
  for i = 1, count or 0 do
    local status = grpc.status(rawget(value, i))
    if not status or status == 0 then
      report:add(show.path(key, i), show.value(rawget(value, i))
        .. " is not a gRPC status that can be a failure (expected a number from 1 to 16, or a name "
        .. "like \"UNAVAILABLE\")")
    end
    table.insert(list, status)
  end
  return list
end

-- An address, or a table with one: the parsed address, with `tls` and `proxy_protocol`.
local function listen_item(value, key, report)
  if type(value) ~= "table" then
    return check.value({ "listen", "listen_address" }, value, key, report)
  end
  local item = check.section(schema.listen, value, key, report)
  local parsed = item.address
  if parsed then parsed.tls, parsed.proxy_protocol = item.tls, item.proxy_protocol end
  return parsed
end

-- One address or a list of them → a list of parsed ones.
function holders.listen(row, value, key, report)
  if type(value) ~= "table" or rawget(value, "address") ~= nil then
    local one = listen_item(value, key, report)
    return one and { one }
  end
  local count = check.short_list_length(value, row.max, key, report, "addresses")
  if count == 0 then
    report:add(key, "the list is empty (expected at least one address)")
  end
  local list = {}
  for i = 1, count or 0 do
    table.insert(list, listen_item(rawget(value, i), show.path(key, i), report))
  end
  return list
end

function holders.section(row, value, key, report)
  return check.section(schema[row.section], value, key, report)
end

local PAGES = { ["4xx"] = 4, ["5xx"] = 5 }

-- 503 of the key 503 or "503", 5 of "5xx".
local function page_of(name)
  local number = tonumber(name)
  if not number then return PAGES[name] end
  return number >= 400 and number <= 599 and number % 1 == 0 and number or nil
end

-- The section, and in `pages` the files that stand for statuses: { path, key } each.
function holders.errors(row, value, key, report)
  if type(value) ~= "table" then return check.section(schema[row.section], value, key, report) end
  local rest, pages = {}, {}
  for name, given in next, value do
    local page, place = page_of(name), show.path(key, name)
    if page then
      pages[page] = { key = place,
        path = single({ name, "path", max = 4000 }, given, place, report) }
    elseif type(name) == "number" then
      report:add(place, show.value(name) .. " is not a status (expected one from 400 to 599)")
    else
      rest[name] = given
    end
  end
  local section = check.section(schema[row.section], rest, key, report)
  section.pages = pages
  return section
end

-- Seconds, or the section.
function holders.slow_start(row, value, key, report)
  if type(value) == "number" then value = { time = value } end
  if type(value) ~= "table" then
    report:add(key, show.value(value) .. " is not a number of seconds (expected one, false, or a "
      .. "table with time, from)")
    return nil
  end
  return check.section(schema[row.section], value, key, report)
end

-- One for all, so that the same is equal.
local V2_TLS = { version = 2, tls = true }

-- A version, or the section: → a version, or V2_TLS.
function holders.send_proxy(row, value, key, report)
  if type(value) ~= "table" then return single({ row[1], "integer", min = 1, max = 2,
    also = row.also }, value, key, report) end
  local section = check.section(schema.send_proxy, value, key, report)
  if not section.tls then return section.version end
  if section.version == 1 then
    report:add(show.path(key, "tls"), "version 1 of the PROXY protocol cannot tell of TLS "
      .. "(expected version = 2)")
  end
  return V2_TLS
end

local function sort_keys(a, b)
  local kind = type(a)
  if kind ~= type(b) then return kind < type(b) end
  if kind == "number" or kind == "string" then return a < b end
  return tostring(a) < tostring(b)
end

local function report_unknown(rows, value, key, report)
  local known, others = {}, {}
  for _, row in ipairs(rows) do known[row[1]] = true end
  for name in next, value do
    if not known[name] then table.insert(others, name) end
  end
  table.sort(others, sort_keys)
  for i, name in ipairs(others) do
    if report:is_full() then return report:leave_out(#others - i + 1) end
    report:add(show.path(key, name), unknown.text(rows, name))
  end
end

local function is_due(row, result)
  if not row.when then return true end
  for i = 2, #row.when do
    if result[row.when[1]] == row.when[i] then return true end
  end
  return false
end

local function report_undue(row, key, result, report)
  local other, values = row.when[1], {}
  if result[other] == nil then return end -- it is wrong itself
  for i = 2, #row.when do values[i - 1] = show.value(row.when[i]) end
  report:add(show.path(key, row[1]), ("this goes only with %s = %s (and it is %s)")
    :format(other, table.concat(values, " or "), show.value(result[other])))
end

local function absent(row, key, result, report)
  if row.required and is_due(row, result) then
    report:add(show.path(key, row[1]), "missing (expected " .. expectation(row) .. ")")
  elseif row.default ~= nil or (row.section and not row.optional) then
    local default = row.default
    if default == nil then default = {} end
    if is_due(row, result) then
      result[row[1]] = check.value(row, default, show.path(key, row[1]), report)
    end
  end
end

-- A table's rows: checks the values given and fills in the absent ones. Always returns a table.
---@param rows table[]
---@param value any
---@param key string
---@param report table
---@return table
function check.section(rows, value, key, report)
  if type(value) ~= "table" then
    report:add(key, show.value(value) .. " is not a table (expected a table with "
      .. table.concat(unknown.names(rows), ", ") .. ")")
    value = {}
  end
  report_unknown(rows, value, key, report)
  local result = {}
  for _, row in ipairs(rows) do
    local given = rawget(value, row[1])
    if given == nil then
      absent(row, key, result, report)
    elseif not is_due(row, result) then
      report_undue(row, key, result, report)
    else
      result[row[1]] = check.value(row, given, show.path(key, row[1]), report)
    end
  end
  return result
end

---@param name string  of a type
---@param holder function
function check.add_holder(name, holder) holders[name] = holder end

return check
