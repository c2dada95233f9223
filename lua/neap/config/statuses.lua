-- Sets of HTTP statuses: 204, "200-399", "200,204,300-399", or a list of such.

local statuses = {}

local LEAST, MOST = 100, 599

local function range(text)
  local from, to = text:match "^%s*(%d%d%d)%s*%-%s*(%d%d%d)%s*$"
  if not from then
    from = text:match "^%s*(%d%d%d)%s*$"
    to = from
  end
  from, to = tonumber(from), tonumber(to)
  if not from or from < LEAST or to > MOST or from > to then return nil end
  return { from, to }
end

local function add(to, value)
  if type(value) == "number" then value = ("%.14g"):format(value) end
  if type(value) ~= "string" or value == "" then return false end
  -- linear: the text ends in what is looked for
  for piece in (value .. ","):gmatch "([^,]*)," do
    local one = range(piece)
    if not one then return false end
    table.insert(to, one)
  end
  return true
end

---@param value any
---@return integer[][]?  -- { {from, to}, … }
function statuses.parse(value)
  local ranges = {}
  if type(value) ~= "table" then return add(ranges, value) and ranges or nil end
  local count = 0
  for _ in next, value do count = count + 1 end
  for i = 1, count do
    if not add(ranges, rawget(value, i)) then return nil end
  end
  return ranges[1] and ranges
end

-- Each of them once, in order.
---@param ranges integer[][]
---@return integer[]
function statuses.list(ranges)
  local has, list = {}, {}
  for _, r in ipairs(ranges) do
    for status = r[1], r[2] do has[status] = true end
  end
  for status = LEAST, MOST do
    if has[status] then table.insert(list, status) end
  end
  return list
end

return statuses
