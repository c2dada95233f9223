-- What a policy needs of its config, beside backends: the stores and pools that it names. It is
-- found by running the policy, whose errors say what is not there.

local needs = {}

local STORE_BYTES, MOST = 2 ^ 20, 64

---@param try fun(found: table)  runs the policy where there is what was found so far
---@return table found  stores: as `shared` of a config; pools: a list of names
function needs.learn(try)
  local found = { stores = {}, pools = {} }
  for _ = 1, MOST do
    local ok, why = pcall(try, found)
    local store = not ok and tostring(why):match "no store '([^']+)'"
    local pool = not ok and tostring(why):match "no pool '([^']+)'"
    if store then
      found.stores[store] = { bytes = STORE_BYTES }
    elseif pool then
      table.insert(found.pools, pool)
    else
      return found -- another error is for the promises to tell
    end
  end
  return found
end

return needs
