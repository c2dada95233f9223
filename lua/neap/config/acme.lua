-- What one row of the schema cannot say of `tls.acme`.

local show = require "neap.config.show"

local acme = {}

local LABELS_MAX = 253 -- bytes of a name (RFC 1035 §2.3.4)
local LABEL_MAX = 63

-- In lower case, without a trailing dot; nil and what is wrong with it.
local function host_name(text)
  local name = text:lower():gsub("%.$", "")
  if name:find("*", 1, true) then
    return nil, "is a wildcard, for which CAs want a challenge that neap does not answer (expected "
      .. "a host name)"
  end
  if name:find "[\128-\255]" then
    return nil, "has letters outside ASCII (expected its A-label, which begins with xn--)"
  end
  if #name > LABELS_MAX or name:find "^[%d.]+$" then
    return nil, "is no host name (expected one like www.example.org)"
  end
  for label in (name .. "."):gmatch "([^.]*)%." do -- linear: a label and its dot
    if #label > LABEL_MAX or not label:find "^[%w_][%w_-]*$" or label:sub(-1) == "-" then
      return nil, "is no host name (expected one like www.example.org)"
    end
  end
  return name
end

local function check_domains(settings, key, report)
  local names, seen = {}, {}
  for i, text in ipairs(settings.domains or {}) do
    local name, why = host_name(text)
    if not name then
      report:add(show.path(key, i), ("%s %s"):format(show.value(text), why))
    elseif not seen[name] then
      seen[name] = true
      table.insert(names, name)
    end
  end
  if settings.domains and #settings.domains == 0 then
    report:add(key, "the list is empty (expected at least one host name)")
  end
  settings.domains = names
end

-- A URL that can be asked; whether over plain HTTP is the config's to say.
local function check_directory(settings, key, report)
  local url = settings.directory
  if not url then return end
  local authority = url:match "^https?://([^/?#]+)"
  if not authority or authority:find("@", 1, true) or url:find "[%c%s\127-\255]" then
    report:add(key, show.value(url) .. " is no URL of a CA (expected one like "
      .. "https://acme-v02.api.letsencrypt.org/directory)")
  end
end

-- Settings that the schema has passed; sorts and cleans the names.
---@param settings table
---@param key string   "services[1].tls.acme"
---@param report table
function acme.check(settings, key, report)
  settings.where = key
  check_domains(settings, show.path(key, "domains"), report)
  check_directory(settings, show.path(key, "directory"), report)
  if settings.agree ~= true then
    report:add(show.path(key, "agree"), "the CA gives nothing to those who do not agree to its "
      .. "terms of service (expected agree = true, after you have read them)")
  end
  if settings.eab and settings.eab.key and not settings.eab.key:find "^[%w_-]+=*$" then
    report:add(show.path(key, "eab.key"), "it is not base64url (expected the text that the CA "
      .. "gave)")
  end
end

-- The challenge must reach the service.
---@param service table  with mode, key and tls
---@param is_plain boolean  an address of it speaks HTTP in the clear
---@param report table
function acme.check_service(service, is_plain, report)
  local settings = service.tls and service.tls.acme
  if not settings or settings.challenge ~= "http-01" then return end
  local key = show.path(settings.where, "challenge")
  if service.mode == "tcp" then
    report:add(key, "http-01 is answered over HTTP, and this is a tcp service (expected "
      .. "\"tls-alpn-01\")")
  elseif not is_plain then
    report:add(key, "http-01 is answered in the clear, and every address of the service speaks TLS "
      .. "(expected an address { address = \":80\", tls = false } in listen, or challenge = "
      .. "\"tls-alpn-01\")")
  end
end

return acme
