-- The files of `tls.acme.storage`: for each CA an account, for each domain a certificate with its
-- key. Names end with a digest of the directory's URL, so that two CAs never share a file.

local json = require "neap.json"

local store = {}
local Store = {}
Store.__index = Store

local ACCOUNT_KEYS = { "key", "kid" }

---@param settings table  storage, directory
---@param tools table
function store.new(settings, tools)
  local mark = tools.digest(settings.directory):sub(1, 10)
  return setmetatable({
    folder = settings.storage, directory = settings.directory, tools = tools, mark = mark,
  }, Store)
end

local function path_of(self, name, suffix)
  return ("%s/%s-%s.%s"):format(self.folder, name, self.mark, suffix)
end

-- Makes the folder unless it is there.
---@return any ok, string? why
function Store:prepare() return self.tools.folder(self.folder) end

-- key (PEM), and kid once the CA knows it.
---@return table? account, string? why  -- nil without a reason: there is none
function Store:account()
  local path = path_of(self, "account", "json")
  local text, why = self.tools.load(path)
  if not text then return nil, why end
  local value = json.decode(text)
  if type(value) ~= "table" or type(value.key) ~= "string" then
    return nil, path .. ": this is no account; remove the file to get a new one"
  end
  return { key = value.key, kid = type(value.kid) == "string" and value.kid or nil }
end

function Store:keep_account(account)
  local kept = { directory = self.directory }
  for _, name in ipairs(ACCOUNT_KEYS) do kept[name] = account[name] end
  return self.tools.store(path_of(self, "account", "json"), json.encode(kept) .. "\n")
end

---@return string? pem, string? why  -- nil without a reason: there is none
function Store:certificate(domain) return self.tools.load(path_of(self, domain, "pem")) end

function Store:keep_certificate(domain, pem)
  return self.tools.store(path_of(self, domain, "pem"), pem)
end

return store
