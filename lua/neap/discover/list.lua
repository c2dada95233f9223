-- Lists of backends as files and servers have them: a list as in `backends`, an object with it in
-- `backends` and its `revision`, or groups of `targets` with `labels`, which become tags.

local list = {}

local function add_group(found, group)
  local labels = type(group.labels) == "table" and group.labels or nil
  for _, target in ipairs(type(group.targets) == "table" and group.targets or {}) do
    table.insert(found, labels and { url = target, tags = labels } or target)
  end
end

local function of_groups(value)
  local found = {}
  for _, group in ipairs(value) do
    if type(group) ~= "table" or group.targets == nil then
      return nil, "some of it are groups of targets, and some are not"
    end
    add_group(found, group)
  end
  return found
end

---@param value any
---@return table? members
---@return any revision_or_why
function list.of(value)
  local revision
  if type(value) == "table" and value.backends ~= nil then
    value, revision = value.backends, value.revision
  end
  if type(value) ~= "table" then return nil, "there is no list of backends in it" end
  local first = value[1]
  if type(first) == "table" and first.targets ~= nil then return of_groups(value) end
  return value, revision
end

return list
