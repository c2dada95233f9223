-- The types of single values. Each: what (a phrase: "… is not <what>"), expected(row), and
-- check(value, row) → true and the normalised value, or false and why (nil: it is not <what>).

local address = require "neap.config.address"
local pattern = require "neap.check.pattern"
local show = require "neap.config.show"
local statuses = require "neap.config.statuses"
local url = require "neap.config.url"
local utf8 = require "neap.config.utf8"

local types = {}

local function fixed(text)
  return function() return text end
end

local function is_finite(value)
  return type(value) == "number" and value == value and value ~= math.huge and value ~= -math.huge
end

types.boolean = {
  what = "a boolean",
  expected = fixed "true or false",
  check = function(value) return type(value) == "boolean", value end,
}

types.integer = {
  what = "a whole number",
  expected = function(row)
    return ("a whole number from %s to %s"):format(show.value(row.min), show.value(row.max))
  end,
  check = function(value, row)
    if not is_finite(value) or value % 1 ~= 0 then return false end
    if value >= row.min and value <= row.max then return true, value end
    return false, show.value(value) .. " is out of range"
  end,
}

types.port_or_name = {
  what = "a port",
  expected = fixed "a number from 1 to 65535, or a name",
  check = function(value)
    if type(value) == "string" then return value:find "^[%w-]+$" ~= nil and #value <= 63, value end
    if not is_finite(value) or value % 1 ~= 0 then return false end
    return value >= 1 and value <= 65535, value
  end,
}

types.number = {
  what = "a number",
  expected = function(row)
    return ("a number from %s to %s"):format(show.value(row.min), show.value(row.max))
  end,
  check = function(value, row)
    if not is_finite(value) then return false end
    if value >= row.min and value <= row.max then return true, value end
    return false, show.value(value) .. " is out of range"
  end,
}

types.seconds = {
  what = "a number of seconds",
  expected = function() return "a number > 0" end,
  check = function(value, row)
    if not is_finite(value) then return false end
    if value <= 0 then return false, show.value(value) .. " is out of range" end
    if value > row.max then
      return false, ("%s is more than %d seconds"):format(show.value(value), row.max)
    end
    return true, value
  end,
}

types.share = {
  what = "a number",
  expected = function(row) return ("a number from 0 to %s"):format(show.value(row.max)) end,
  check = function(value, row)
    if not is_finite(value) then return false end
    if value >= 0 and value <= row.max then return true, value end
    return false, show.value(value) .. " is out of range"
  end,
}

types.bytes = {
  what = "a text",
  expected = function(row) return ("a text of 1 to %d bytes"):format(row.max) end,
  check = function(value, row)
    if type(value) ~= "string" then return false end
    if value == "" then return false, "the text is empty" end
    if #value > row.max then return false, ("the text has %d bytes"):format(#value) end
    return true, value
  end,
}

-- Any bytes but zero; `max` of them at most.
types.text = {
  what = "a text",
  expected = function(row) return ("a text of 1 to %d bytes"):format(row.max) end,
  check = function(value, row)
    if type(value) ~= "string" then return false end
    if value == "" then return false, "the text is empty" end
    if #value > row.max then return false, ("the text has %d bytes"):format(#value) end
    if value:find "%z" then return false, "the text has a zero byte" end
    return true, value
  end,
}

local function printable(value, row)
  local ok, why = types.text.check(value, row)
  if ok and value:find "%c" then return false, show.value(value) .. " has control characters" end
  return ok, why
end

-- It is printed in terminals, in JSON and in labels of metrics.
local function showable(value, row)
  local ok, why = printable(value, row)
  if ok and value:find "\194[\128-\159]" then
    return false, show.value(value) .. " has control characters"
  end
  if ok and utf8.invalid_at(value) then return false, show.value(value) .. " is not UTF-8" end
  return ok, why
end

-- Names for OpenSSL, as one text; a list of them will do as well.
types.tls_names = {
  what = "a list of names",
  expected = types.text.expected,
  check = function(value, row)
    if type(value) == "table" then
      for _, name in ipairs(value) do
        if type(name) ~= "string" then return false, show.value(name) .. " is not a name" end
      end
      value = table.concat(value, ":")
    end
    local ok, why = printable(value, row)
    if ok and value:find "[^%w:_+%-!@=.?*/,]" then return false end
    return ok, why
  end,
}

types.name = { what = "a name", expected = types.text.expected, check = showable }
types.path = { what = "a path", expected = types.text.expected, check = printable }

types.log_target = {
  what = "a log target",
  expected = function(row)
    return "a word, a path, syslog+udp://IP:PORT or syslog+tcp://IP:PORT, of at most "
      .. row.max .. " bytes"
  end,
  check = function(value, row)
    local ok, why = printable(value, row)
    if not ok or not value:find "^syslog%+" then return ok, why end
    local place = value:match "^syslog%+udp://(.*)$" or value:match "^syslog%+tcp://(.*)$"
    if not place then
      return false, show.value(value) .. " is neither syslog+udp:// nor syslog+tcp://"
    end
    if address.is_ip_and_port(place) then return true end
    return false, show.value(value) .. " has no IP address with a port (names are not resolved)"
  end,
}

types.secret = {
  what = "a token",
  expected = fixed "a text of 8 to 255 visible ASCII characters without blanks",
  check = function(value, row)
    local ok, why = types.text.check(value, row)
    if not ok then return false, why and why:gsub("^\".*", "it") end
    if value:find "[^\33-\126]" then return false, "the token has blanks or control characters" end
    if #value < 8 then return false, ("the token has %d bytes"):format(#value) end
    return true, value
  end,
}

types.token = {
  what = "a word",
  expected = fixed "an HTTP method like \"GET\"",
  check = function(value, row)
    local ok, why = types.text.check(value, row)
    if ok and value:find "[^%w!#$%%&'*+%-.^_`|~]" then return false end
    return ok, why
  end,
}

types.via = {
  what = "a name",
  expected = fixed "a word like \"edge1\"",
  check = types.token.check,
}

types.target = {
  what = "a path",
  expected = fixed "a path that begins with /, without blanks",
  check = function(value, row)
    local ok, why = types.text.check(value, row)
    if ok and not value:find "^/[\33-\126]*$" then return false end
    if ok and value:find "#" then return false, "a fragment has no place in a request" end
    return ok, why
  end,
}

local function quoted(words)
  local list = {}
  for i, word in ipairs(words) do
    list[i] = type(word) == "string" and ('"%s"'):format(word) or tostring(word)
  end
  return list
end

-- { "a", "b", "c" } → '"a", "b" or "c"'
function types.one_of(words)
  local list = quoted(words)
  local last = table.remove(list)
  return #list == 0 and last or table.concat(list, ", ") .. " or " .. last
end

types.choice = {
  what = "one of its words",
  expected = function(row)
    local words = {}
    for _, word in ipairs(row.values) do
      if not (row.later and row.later[word]) then table.insert(words, word) end
    end
    return types.one_of(words)
  end,
  check = function(value, row)
    for _, word in ipairs(row.values) do
      if value == word then return true, word end
      if tostring(value) == word then
        return false, show.value(value) .. " is a number, and this is a text in quotes"
      end
    end
    return false
  end,
}

types.url = {
  what = "a URL",
  expected = fixed("a URL like \"http://host:port/base\", \"tcp://host:port\", "
    .. "\"udp://host:port\" or \"unix:/path\""),
  check = function(value)
    if type(value) ~= "string" then return false end
    local parts, why = url.parse(value)
    if not parts then return false, show.value(value) .. " is not a backend's URL: " .. why end
    return true, parts
  end,
}

-- Where a check goes, in place of the backend's own address.
types.target_host = {
  what = "an address",
  expected = fixed "a host name, an IP address or \"unix:/path\"",
  check = function(value, row)
    if type(value) ~= "string" or #value > row.max then return false end
    if address.is_ipv6(value) then return true, value end
    local ok, why
    if value:find "^unix:" then
      ok, why = address.check_unix(value:sub(6))
    else
      ok, why = address.check_host(value)
    end
    if ok then return true, value end
    return false, show.value(value) .. " is not an address: " .. why
  end,
}

-- Whom a certificate must be for. (OpenSSL takes ".a.test" for all that ends so.)
types.server_name = {
  what = "a server's name",
  expected = fixed "a host name or an IP address",
  check = function(value, row)
    if type(value) ~= "string" or #value > row.max then return false end
    if address.is_ipv6(value) then return true, value end
    local ok, why = address.check_host(value)
    if ok then return true, value end
    return false, show.value(value) .. " is not a server's name: " .. why
  end,
}

types.matcher = {
  what = "a text or pattern",
  expected = function(row)
    return ("a text of 1 to %d bytes, or { pattern = \"…\" }"):format(row.max)
  end,
  check = function(value, row)
    if type(value) == "string" then return types.bytes.check(value, row) end
    if type(value) ~= "table" then return false end
    for key in next, value do
      if key ~= "pattern" then return false, "it has the key " .. show.value(key) end
    end
    local text = rawget(value, "pattern")
    local ok, why = types.bytes.check(text, row)
    if not ok then return false, why or show.value(text) .. " is not a pattern" end
    ok, why = pattern.parse(text)
    if not ok then return false, show.value(text) .. " is not a pattern that fits: " .. why end
    return true, { pattern = text }
  end,
}

types.cidr = {
  what = "an address or range",
  expected = fixed "an IP address, a range like \"10.0.0.0/8\", or \"unix\"",
  check = function(value)
    if type(value) ~= "string" then return false end
    local ok, why = address.check_cidr(value)
    if not ok then return false, show.value(value) .. ": " .. why end
    return true, value
  end,
}

types.listen_address = {
  what = "an address",
  expected = fixed "\"host:port\", \":port\", \"[v6]:port\" or \"unix:/path\"",
  check = function(value)
    if type(value) ~= "string" and type(value) ~= "number" then return false end
    local parsed, why = address.listen(value)
    if not parsed then return false, show.value(value) .. " is not an address: " .. why end
    return true, parsed
  end,
}

types.media_type = {
  what = "a media type",
  expected = fixed "a media type like \"text/html\", \"text/*\" or \"+json\"",
  check = function(value)
    if type(value) ~= "string" or #value > 127 then return false end
    local ok = value:find "^[%w!#$&^_.+-]+/[%w!#$&^_.+-]+$" or value:find "^[%w!#$&^_.+-]+/%*$"
      or value:find "^%+[%w!#$&^_.-]+$"
    return ok ~= nil, value
  end,
}

types.statuses = {
  what = "a set of statuses",
  expected = fixed "statuses from 100 to 599 like \"200-399\", 204, \"200,204\" or a list of such",
  check = function(value)
    local ranges = statuses.parse(value)
    if not ranges then return false end
    return true, ranges
  end,
}

types.access_format = {
  what = "a format",
  expected = fixed "\"combined\", \"json\" or a function(request, outcome) that returns a text",
  check = function(value)
    return value == "combined" or value == "json" or type(value) == "function", value
  end,
}

-- The name of a field that neap may write: not one that frames the message or says who the client
-- is.
local TAKEN = {
  ["host"] = true, ["connection"] = true, ["content-length"] = true, ["transfer-encoding"] = true,
  ["upgrade"] = true, ["te"] = true, ["trailer"] = true, ["keep-alive"] = true,
  ["proxy-connection"] = true, ["forwarded"] = true, ["x-forwarded-for"] = true,
  ["x-forwarded-proto"] = true, ["x-forwarded-host"] = true, ["traceparent"] = true,
  ["expect"] = true,
}

types.header = {
  what = "a field name",
  expected = fixed "the name of a header field like \"X-Request-Id\"",
  check = function(value)
    if type(value) ~= "string" then return false end
    if not value:find "^[%w!#$%%&'*+.^_`|~-]+$" or #value > 63 then
      return false, show.value(value) .. " is not a field name"
    end
    if TAKEN[value:lower()] then return false, show.value(value) .. " is used otherwise" end
    return true, value
  end,
}

types.policy = {
  what = "a policy",
  expected = fixed "the name of a policy, a path, a table of hooks or a function",
  check = function(value)
    local kind = type(value)
    if kind == "function" or kind == "table" then return true, value end
    if kind ~= "string" then return false end
    return printable(value, { max = 4000 })
  end,
}

local function tag_bytes(name, value)
  local text = type(value) == "number" and ("%.17g"):format(value) or tostring(value)
  return #name + #text + 3
end

local function tag_pair(name, value)
  if type(name) == "number" then name, value = value, true end
  if type(name) ~= "string" or name == "" or name:find "%z" then return nil end
  local kind = type(value)
  if kind == "string" and not value:find "%z" then return name, value end
  if kind == "boolean" or is_finite(value) then return name, value end
end

types.tags = {
  what = "a table of tags",
  expected = fixed "a table of strings, numbers and booleans by name, or a list of words",
  check = function(value, row)
    if type(value) ~= "table" then return false end
    local tags, bytes = {}, 0
    for key, entry in next, value do
      local name, tag = tag_pair(key, entry)
      if not name then return false, "a tag is " .. show.value(entry) end
      tags[name] = tag
      bytes = bytes + tag_bytes(name, tag)
    end
    if bytes > row.max then
      return false, ("the tags have %d bytes, more than %d"):format(bytes, row.max)
    end
    return true, tags
  end,
}

return types
