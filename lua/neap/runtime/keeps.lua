-- Objects that a hook's file keeps when the hook has ended, in its local variables or in tables
-- there. They belong to the hook that got them; `neap check` and the test kit report them.

local keeps = {}

local UPVALUES, DEPTH, NODES = 60, 3, 1000

-- Tables with a metatable are modules, caches with weak keys, or somebody's own.
local function find(value, kind_of, left, depth)
  local kind = kind_of(value)
  if kind then return kind end
  if type(value) ~= "table" or depth == 0 or getmetatable(value) then return nil end
  for _, inner in next, value do
    left.n = left.n - 1
    if left.n <= 0 then return nil end
    kind = find(inner, kind_of, left, depth - 1)
    if kind then return kind end
  end
end

---@param hook function
---@param kind_of fun(value: any): string?  what kind of object it is, when it is one
---@return table<string, string>  -- by the name of the variable, what is wrong and what to do
function keeps.found(hook, kind_of)
  local texts = {}
  for i = 1, UPVALUES do
    local name, value = debug.getupvalue(hook, i)
    if not name then break end
    local kind = find(value, kind_of, { n = NODES }, DEPTH)
    if kind then
      texts[name] = ("a %s was kept in '%s' when the hook had ended: keep %s, not the object")
        :format(kind, name, kind == "request" and "values of it" or "its name")
    end
  end
  return texts
end

return keeps
