-- How reports look, in light and dark colours.

local look = {}

local LIGHT = {
  ground = "#ffffff", panel = "#ffffff", ink = "#1d2430", soft = "#5b6472", grid = "#e8eaee",
  axis = "#aab1bc", line = "#dfe3e8", event = "#8a93a0",
  c1 = "#2f6fde", c2 = "#e0682c", c3 = "#1a9b76", c4 = "#b4458f", c5 = "#b58900", c6 = "#6c5ce7",
  c7 = "#c0392b", c8 = "#5d6d7e",
}

local DARK = {
  ground = "#12151b", panel = "#191d25", ink = "#e7eaf0", soft = "#9aa4b2", grid = "#272c36",
  axis = "#525b69", line = "#2b313c", event = "#7a8494",
  c1 = "#6ea3ff", c2 = "#ff9559", c3 = "#3fc79c", c4 = "#e07fc0", c5 = "#e3b83a", c6 = "#a498ff",
  c7 = "#ff7f73", c8 = "#a4b1bf",
}

local NAMES = { "ground", "panel", "ink", "soft", "grid", "axis", "line", "event", "c1", "c2", "c3",
  "c4", "c5", "c6", "c7", "c8" }

local function variables(values)
  local out = {}
  for i, name in ipairs(NAMES) do out[i] = ("--%s:%s"):format(name, values[name]) end
  return table.concat(out, ";")
end

-- The custom properties, on `root`.
---@param root string  a selector
---@return string css
function look.colours(root)
  return ("%s{%s}\n@media (prefers-color-scheme:dark){%s{%s}}\n"):format(root, variables(LIGHT),
    root, variables(DARK))
end

-- The styles of charts. Viewers that know no custom properties get the light colours.
---@return string css
function look.charts()
  local out = {}
  local function rule(selector, property, name, rest)
    table.insert(out, ("%s{%s:%s;%s:var(--%s)%s}\n"):format(selector, property, LIGHT[name],
      property, name, rest and ";" .. rest or ""))
  end
  table.insert(out, 'text{font-family:system-ui,"Segoe UI",Helvetica,Arial,sans-serif}\n')
  rule(".title", "fill", "ink", "font-size:15px;font-weight:600")
  rule(".name", "fill", "ink", "font-size:13px")
  rule(".note", "fill", "soft", "font-size:12px")
  rule(".tick", "fill", "soft", "font-size:11px;font-variant-numeric:tabular-nums")
  rule(".event-name", "fill", "soft", "font-size:11px")
  rule(".ground", "fill", "ground")
  rule(".grid", "stroke", "grid")
  rule(".axis,.mark", "stroke", "axis")
  rule(".event", "stroke", "event", "stroke-dasharray:3 3")
  table.insert(out, ".spot{fill:transparent}.spot:hover{fill:#808890;fill-opacity:.16}\n")
  for i = 1, 8 do
    local c = "c" .. i
    rule("rect." .. c, "fill", c)
    rule("path." .. c, "stroke", c)
  end
  table.insert(out, "path.line{fill:none;stroke-width:2;stroke-linejoin:round}\n")
  table.insert(out, "path.thin{stroke-width:1.25;stroke-opacity:.55}\n")
  return table.concat(out)
end

return look
