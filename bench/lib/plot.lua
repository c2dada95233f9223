-- Bar charts as SVG, readable in a browser and on a code host, light or dark.
local plot = {}

local COLOURS = {
  nginx = "#009639", haproxy = "#4b6fb5", neap = "#e4572e", other = "#8a8a8a",
}

local STYLE = "font-family:system-ui,sans-serif;font-size:13px"
local LEFT, WIDTH, BAR, GAP = 150, 560, 16, 14

local function escape(text)
  return (tostring(text):gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" }))
end

local function text_at(x, y, text, extra)
  return ('<text x="%.1f" y="%.1f" %s>%s</text>'):format(x, y, extra or "", escape(text))
end

local function bar_at(y, width, label, title)
  return ('<rect x="%d" y="%.1f" width="%.1f" height="%d" rx="2" fill="%s"><title>%s</title>'
    .. "</rect>")
    :format(LEFT, y, math.max(width, 1), BAR - 3, COLOURS[label] or COLOURS.other, escape(title))
end

local function longest(groups)
  local most = 0
  for _, group in ipairs(groups) do
    for _, bar in ipairs(group.bars) do most = math.max(most, bar.value) end
  end
  return most > 0 and most or 1
end

local function draw_group(out, group, y, scale)
  table.insert(out, text_at(LEFT - 10, y + #group.bars * BAR / 2 + 4, group.name,
    'text-anchor="end" font-weight="600"'))
  for _, bar in ipairs(group.bars) do
    local width = bar.value * scale
    table.insert(out, bar_at(y, width, bar.label, bar.label .. ": " .. bar.text))
    table.insert(out, text_at(LEFT + width + 6, y + BAR - 5, bar.label .. "  " .. bar.text))
    y = y + BAR
  end
  return y + GAP
end

-- groups: { name, bars = { { label, value, text } } }; mark: a value to draw a line at, or nil.
function plot.bars(title, note, groups, mark)
  local scale, out, y = (WIDTH - 130) / longest(groups), {}, 64
  for _, group in ipairs(groups) do y = draw_group(out, group, y, scale) end
  if mark then
    table.insert(out, 1, ('<path d="M%.1f 56V%d" stroke="#8a8a8a" stroke-dasharray="4 3"/>')
      :format(LEFT + mark * scale, y - GAP))
  end
  local height = y + 6
  local head = ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" '
    .. 'height="%d" style="%s"><style>text{fill:#222}@media(prefers-color-scheme:dark){'
    .. 'text{fill:#ddd}rect.paper{fill:#16181c}}</style>'
    .. '<rect class="paper" width="100%%" height="100%%" fill="#fff"/>')
    :format(LEFT + WIDTH, height, LEFT + WIDTH, height, STYLE)
  table.insert(out, 1, text_at(16, 46, note, 'font-size="12" opacity="0.75"'))
  table.insert(out, 1, text_at(16, 26, title, 'font-size="16" font-weight="700"'))
  return head .. "\n" .. table.concat(out, "\n") .. "\n</svg>\n"
end

return plot
