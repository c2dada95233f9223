-- `compress` of a service: a list of codings, or a table with one.

local check = require "neap.config.check"
local nearest = require "neap.config.nearest"
local schema = require "neap.config.schema"
local show = require "neap.config.show"

local CODINGS = { "zstd", "br", "gzip" }
local KNOWN = { zstd = true, br = true, gzip = true }

local function report_coding(value, key, report)
  local hint = value == "brotli" and "br"
    or type(value) == "string" and nearest.find(value, CODINGS)
  report:add(key, ("%s is not a coding (expected \"zstd\", \"br\" or \"gzip\")%s")
    :format(show.value(value), hint and ("; did you mean '%s'?"):format(hint) or ""))
end

check.add_holder("codings", function(row, value, key, report)
  local count = check.short_list_length(value, row.max, key, report, "codings")
  if count == 0 then report:add(key, "the list is empty (expected at least one coding)") end
  local list, seen = {}, {}
  for i = 1, count or 0 do
    local name, place = rawget(value, i), show.path(key, i)
    if not KNOWN[name] then
      report_coding(name, place, report)
    elseif seen[name] then
      report:add(place, ("'%s' stands there twice"):format(name))
    else
      seen[name] = true
      list[#list + 1] = name
    end
  end
  return list
end)

check.add_holder("compress", function(row, value, key, report)
  if type(value) ~= "table" then
    report:add(key, show.value(value) .. " is not a list of codings (expected { \"zstd\", \"br\", "
      .. "\"gzip\" }, false, or a table with codings, types, min_bytes, levels, answers)")
    return nil
  end
  if rawget(value, 1) ~= nil then
    local codings = check.value(schema.compress[1], value, key, report)
    value = { codings = codings and #codings > 0 and codings or nil }
  end
  return check.section(schema[row.section], value, key, report)
end)
