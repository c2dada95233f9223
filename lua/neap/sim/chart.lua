-- Charts as pieces of SVG. Colours are classes (look.lua): c1, c2, … for the policies in their
-- order. The <title> of a place says what it stands for; viewers show it on hover.

local chart = {}

local LEFT, RIGHT, TOP, BOTTOM = 58, 26, 46, 34
local CLASSES = 8

local function escape(text)
  return (tostring(text):gsub('[&<>"]', { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;",
    ['"'] = "&quot;" }))
end
chart.escape = escape

---@return string  -- the class of the i-th policy
function chart.class(i) return "c" .. (i - 1) % CLASSES + 1 end

local function text(x, y, class, content, anchor)
  return ('<text x="%.1f" y="%.1f" class="%s"%s>%s</text>\n'):format(x, y, class,
    anchor and (' text-anchor="%s"'):format(anchor) or "", escape(content))
end
chart.text = text

-- The part of a chart where the data is.
local function area(o)
  return { x = LEFT, y = TOP, w = o.width - LEFT - RIGHT, h = o.height - TOP - BOTTOM }
end

local function axes(out, o, a)
  for _, tick in ipairs(o.y.ticks) do
    local y = a.y + a.h * (1 - tick.at)
    table.insert(out, ('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" class="grid"/>\n')
      :format(a.x, a.x + a.w, y, y))
    table.insert(out, text(a.x - 8, y + 4, "tick", tick.label, "end"))
  end
  for _, tick in ipairs(o.x and o.x.ticks or {}) do
    local x = a.x + a.w * tick.at
    table.insert(out, ('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" class="mark"/>\n')
      :format(x, x, a.y + a.h, a.y + a.h + 5))
    table.insert(out, text(x, a.y + a.h + 19, "tick", tick.label, "middle"))
  end
  table.insert(out, ('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" class="axis"/>\n')
    :format(a.x, a.x + a.w, a.y + a.h, a.y + a.h))
end

local function head(out, o)
  table.insert(out, text(0, 16, "title", o.title))
  table.insert(out, text(0, 33, "note", o.subtitle))
end

-- Vertical lines where something happened. Labels that would touch stand one below the other.
local function marks(out, o, a)
  local last, row = -math.huge, 0
  for _, mark in ipairs(o.marks or {}) do
    local x = a.x + a.w * o.x.at(mark.at)
    row = x - last < 70 and (row + 1) % 4 or 0
    last = x
    table.insert(out, ('<line x1="%.1f" x2="%.1f" y1="%.1f" y2="%.1f" class="event"/>\n')
      :format(x, x, a.y, a.y + a.h))
    local is_late = x > a.x + a.w * 0.85
    table.insert(out, text(is_late and x - 4 or x + 4, a.y + 10 + row * 13, "event-name",
      mark.label, is_late and "end" or nil))
  end
end

-- A line through the points, with a gap where y is false.
local function path_of(o, a, points)
  local parts, is_down = {}, false
  for _, point in ipairs(points) do
    if point[2] then
      table.insert(parts, ("%s%.1f %.1f"):format(is_down and "L" or "M",
        a.x + a.w * o.x.at(point[1]), a.y + a.h * (1 - o.y.at(point[2]))))
      is_down = true
    else
      is_down = false
    end
  end
  return table.concat(parts)
end

-- Invisible columns that show their values on hover.
local function hover(out, o, a)
  for _, spot in ipairs(o.hover or {}) do
    local x1, x2 = a.x + a.w * o.x.at(spot.from), a.x + a.w * o.x.at(spot.to)
    table.insert(out, ('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="spot">')
      :format(x1, a.y, math.max(x2 - x1, 0.1), a.h))
    table.insert(out, ("<title>%s</title></rect>\n"):format(escape(spot.text)))
  end
end

---@param o table  title, subtitle, width, height, x, y (scales), lines (class, points, is_thin),
---  marks (at, label), hover (from, to, text)
---@return string
function chart.lines(o)
  local out, a = {}, area(o)
  head(out, o)
  axes(out, o, a)
  marks(out, o, a)
  for _, line in ipairs(o.lines) do
    table.insert(out, ('<path d="%s" class="line %s%s"/>\n'):format(path_of(o, a, line.points),
      line.class, line.is_thin and " thin" or ""))
  end
  hover(out, o, a)
  return table.concat(out)
end

---@param o table  title, subtitle, width, height, y, groups (label, bars: class, value, text)
---@return string
function chart.bars(o)
  local out, a = {}, area(o)
  head(out, o)
  axes(out, o, a)
  local step = a.w / #o.groups
  local gap = math.min(step * 0.25, 14)
  local label_every = math.ceil(#o.groups * 30 / a.w)
  for i, group in ipairs(o.groups) do
    local x, w = a.x + step * (i - 1) + gap / 2, (step - gap) / #group.bars
    for k, bar in ipairs(group.bars) do
      local h = a.h * math.min(o.y.at(bar.value), 1)
      table.insert(out, ('<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" rx="%.1f" class="%s">')
        :format(x + w * (k - 1), a.y + a.h - h, math.max(w - (w > 4 and 1.5 or 0), 0.2), h,
          w > 8 and 2 or 0, bar.class))
      table.insert(out, ("<title>%s</title></rect>\n"):format(escape(bar.text)))
    end
    if (i - 1) % label_every == 0 then
      table.insert(out, text(a.x + step * (i - 0.5), a.y + a.h + 19, "tick", group.label, "middle"))
    end
  end
  return table.concat(out)
end

-- Rows of cells, the darker the more.
---@param o table  title, subtitle, width, height, x, class, rows (label, cells: numbers), most,
---  marks, tell(row, column) → text
---@return string
function chart.heat(o)
  local out, a = {}, area(o)
  head(out, o)
  local n = #o.rows
  local h, every = a.h / n, math.ceil(n * 13 / a.h)
  for i, row in ipairs(o.rows) do
    local y, w = a.y + h * (i - 1), a.w / #row.cells
    if (i - 1) % every == 0 then
      table.insert(out, text(a.x - 8, y + h / 2 + 4, "tick", row.label, "end"))
    end
    for k, value in ipairs(row.cells) do
      local share = o.most > 0 and value / o.most or 0
      table.insert(out, ('<rect x="%.1f" y="%.1f" width="%.2f" height="%.2f" class="%s" '
        .. 'fill-opacity="%.2f"><title>%s</title></rect>\n'):format(a.x + w * (k - 1), y, w + 0.3,
        math.max(h - 1, 0.5), o.class, 0.05 + 0.95 * math.sqrt(share), escape(o.tell(i, k))))
    end
  end
  axes(out, { y = { ticks = {} }, x = o.x }, a)
  marks(out, o, a)
  return table.concat(out)
end

-- Names with the colours of their policies.
---@return string svg, number width
function chart.legend(names, x, y)
  local out = {}
  for i, name in ipairs(names) do
    table.insert(out, ('<rect x="%.1f" y="%.1f" width="12" height="12" rx="3" class="%s"/>\n')
      :format(x, y - 10, chart.class(i)))
    table.insert(out, text(x + 18, y, "name", name))
    local _, letters = name:gsub("[^\128-\191]", "")
    x = x + 18 + letters * 7.6 + 22
  end
  return table.concat(out), x
end

return chart
