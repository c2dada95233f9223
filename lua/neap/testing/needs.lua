-- What a policy needs of its config, beside backends: the stores and pools that it names. It is
-- found by running the policy, whose errors say what is not there.

local needs = {}

local STORE_BYTES, MOST = 2 ^ 20, 64

---@param try fun(found: table): any  runs the policy where there is what was found so far
---@return table found  stores: as `shared` of a config; pools: a list of names
---@return boolean ok, any result_or_why  of the last try
function needs.learn(try)
  local found, ok, result = { stores = {}, pools = {} }, nil, nil
  for _ = 1, MOST do
    ok, result = pcall(try, found)
    local store = not ok and tostring(result):match "no store '([^']+)'"
    local pool = not ok and tostring(result):match "no pool '([^']+)'"
    if store then
      found.stores[store] = { bytes = STORE_BYTES }
    elseif pool then
      table.insert(found.pools, pool)
    else
      break -- another error is for the promises to tell
    end
  end
  return found, ok, result
end

-- A virtual balancer, with the stores that the policy's file names.
---@param make fun(options: table): table
---@param options table  of a balancer
---@return boolean ok, table|string balancer_or_why
function needs.balancer(make, options)
  local _, ok, result = needs.learn(function(found)
    options.shared = found.stores
    return make(options)
  end)
  return ok, result
end

return needs
