-- Figures as people read them.

local format = {}

local UNITS = { { 3600, "h" }, { 60, "min" }, { 1, "s" }, { 1e-3, "ms" }, { 1e-6, "µs" } }

-- Three digits that count: 1.25, 12.5, 125.
local function three(value)
  if value >= 99.95 then return ("%.0f"):format(value) end
  if value >= 9.995 then return ("%.1f"):format(value) end
  return ("%.2f"):format(value)
end

---@param seconds number
---@return string  -- "12.5 ms"
function format.seconds(seconds)
  if seconds <= 0 then return "0" end
  if seconds < 5e-7 then return "< 1 µs" end
  for _, unit in ipairs(UNITS) do
    local is_long = unit[1] > 1
    if seconds >= unit[1] * (is_long and 2 or 0.9995) then
      return three(seconds / unit[1]) .. " " .. unit[2]
    end
  end
  return three(seconds * 1e6) .. " µs"
end

-- The same without needless zeros, for axes: "50 ms".
function format.tick(seconds)
  -- linear: a number is short
  return (format.seconds(seconds):gsub("(%.%d-)0+ ", "%1 "):gsub("%. ", " "))
end

-- 1234567 → "1,234,567"
function format.count(n)
  local text = ("%.0f"):format(n)
  local head = (#text - 1) % 3 + 1
  return text:sub(1, head) .. text:sub(head + 1):gsub("(%d%d%d)", ",%1")
end

function format.percent(share)
  local value = share * 100
  if value > 0 and value < 0.05 then return "< 0.1 %" end
  return (value >= 9.95 and "%.0f %%" or "%.1f %%"):format(value)
end

-- "+12 %", "−3.4 %" of a value in relation to another one; nil: there is none.
function format.change(value, reference)
  if reference <= 0 then return nil end
  local change = (value / reference - 1) * 100
  if math.abs(change) < 0.05 then return "±0 %" end
  local sign = change < 0 and "−" or "+"
  change = math.abs(change)
  if change >= 1000 then return sign .. format.count(change) .. " %" end
  return sign .. (change >= 9.95 and "%.0f" or "%.1f"):format(change) .. " %"
end

-- How wide a text stands in a terminal.
function format.width(text)
  local _, n = text:gsub("[^\128-\191]", "")
  return n
end

function format.left(text, width)
  return text .. (" "):rep(width - format.width(text))
end

function format.right(text, width)
  return (" "):rep(width - format.width(text)) .. text
end

-- Cut to a width, at the front: the end of a path says more than its beginning.
function format.short(text, width)
  if format.width(text) <= width then return text end
  local kept = text:sub(-(width - 1)):gsub("^[\128-\191]+", "")
  return "…" .. kept
end

local EIGHTHS = { [0] = "", "▏", "▎", "▍", "▌", "▋", "▊", "▉" }

-- A bar of blocks; `share` of `width` columns.
function format.bar(share, width)
  local eighths = math.floor(math.max(0, math.min(share, 1)) * width * 8 + 0.5)
  return ("█"):rep(math.floor(eighths / 8)) .. EIGHTHS[eighths % 8]
end

local LEVELS = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }

-- Values over time in `width` columns; " " where there is none.
function format.spark(values, width, most)
  local out, n = {}, #values
  for column = 1, width do
    local first = math.floor((column - 1) * n / width) + 1
    local last = math.max(first, math.floor(column * n / width))
    local top
    for i = first, last do
      if values[i] then top = math.max(top or 0, values[i]) end
    end
    local level = top and most > 0 and math.max(1, math.ceil(top / most * 8)) or 1
    out[column] = top and LEVELS[math.min(level, 8)] or " "
  end
  return table.concat(out)
end

return format
