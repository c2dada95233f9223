-- The values of flags: numbers, durations, and kinds with numbers after a colon.

local nearest = require "neap.config.nearest"
local show = require "neap.config.show"
local trim = require "neap.trim"

local values = {}

local UNITS = { us = 1e-6, ms = 1e-3, s = 1, m = 60, h = 3600 }

-- "10", "10s", "250ms", "5m"
---@return number? seconds
function values.seconds(text)
  local digits, rest = text:match "^([%d.]+)(.*)$"
  local power = rest and rest:match "^[eE][-+]?%d+" or ""
  local unit = rest and rest:match("^%s*(%a*)$", #power + 1)
  local number = unit and tonumber(digits .. power)
  local factor = unit == "" and 1 or UNITS[unit]
  if not number or not factor or number ~= number or number == math.huge then return nil end
  return number * factor
end

---@return number?
function values.number(text)
  if not text:find "^[-+]?[%d.]" or text:find "^[-+]?0[xX]" then return nil end
  local number = tonumber(text)
  if not number or number ~= number or number == math.huge or number == -math.huge then
    return nil
  end
  return number
end

-- An integer in a range, or nil and what was expected.
---@return number?, string? expected
function values.integer(text, least, most)
  local number = values.number(text)
  if number and number % 1 == 0 and number >= least and number <= most then return number end
  return nil, ("an integer from %d to %d"):format(least, most)
end

-- "web" of "wbe"
function values.hint(word, known)
  local near = nearest.find(word, known)
  if near then return ("; did you mean '%s'?"):format(near) end
  return (" (known: %s)"):format(table.concat(known, ", "))
end

local PARTS = {
  seconds = { values.seconds, "a time like 0.02 or 20ms" },
  number = { values.number, "a number" },
}

local function part_of(row, text)
  local convert = PARTS[row[2]]
  local value = convert[1](text)
  if not value then
    return nil, ("%s '%s' is not %s"):format(row[1], show.text(text), convert[2])
  end
  if (row.above and value <= row.above) or (row.min and value < row.min)
    or (row.below and value >= row.below) or (row.max and value > row.max) then
    return nil, ("%s %s is impossible (expected %s)"):format(row[1], show.text(text), row.range)
  end
  return value
end

local function words_of(kinds)
  local words = {}
  for _, kind in ipairs(kinds) do table.insert(words, kind.word) end
  return words
end

---@return string  -- "fixed:S, exponential:MEAN, …"
function values.forms(kinds)
  local forms = {}
  for _, kind in ipairs(kinds) do table.insert(forms, kind.form) end
  return table.concat(forms, ", ")
end

local function split(text)
  local list = {}
  if text == nil then return list end
  -- linear: the text ends in the parts looked for
  for item in (text .. ","):gmatch "([^,]*)," do table.insert(list, trim.blanks(item)) end
  return list
end

-- "lognormal:0.02,1.5" by rows of kinds, each { word =, form =, parts = { { name, kind, … } … } }.
---@return table? kind, any values  -- the kind and its numbers; or nil and what is wrong
function values.form(text, kinds)
  local word, rest = text:match "^([%w_]*):?(.*)$"
  local kind
  for _, row in ipairs(kinds) do
    if row.word == word then kind = row end
  end
  if not kind then
    return nil, ("'%s' is not known%s; it is one of %s"):format(show.text(text),
      values.hint(word or "", words_of(kinds)), values.forms(kinds))
  end
  local given, list = split(text:find(":", 1, true) and rest or nil), {}
  if #given ~= #kind.parts then
    return nil, ("'%s' has %d values where %d are expected: %s"):format(show.text(text), #given,
      #kind.parts, kind.form)
  end
  for i, row in ipairs(kind.parts) do
    local value, why = part_of(row, given[i])
    if not value then return nil, ("'%s': %s"):format(show.text(text), why) end
    list[i] = value
  end
  return kind, list
end

return values
