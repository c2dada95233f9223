---@meta

local neap = {}

--- Base64 (RFC 4648), read strictly: padding is right, no bits are left over, no other bytes stand
--- in it.
---@class neap.base64
neap.base64 = {}

--- With padding.
---@param bytes string
---@return string
function neap.base64.encode(bytes) end

--- The bytes of a text with padding.
---@param text string
---@return string|nil bytes  nil when the text is none
---@return string|nil reason
function neap.base64.decode(text) end

--- In the alphabet for URLs and file names, without padding.
---@param bytes string
---@return string
function neap.base64.encode_url(bytes) end

--- The bytes of such a text.
---@param text string
---@return string|nil bytes  nil when the text is none
---@return string|nil reason
function neap.base64.decode_url(text) end

--- IP addresses. `::ffff:192.0.2.1` is the IPv4 address in it.
---@class neap.ip
neap.ip = {}

--- A set of addresses and networks; make it once, at the top of the file:
--- `local office = assert(neap.ip.set { "10.0.0.0/8", "2001:db8::/32", "192.0.2.7" })`.
---@param entries string[]
---@return neap.ip.set|nil set  nil when an entry is bad
---@return string|nil reason  which one, and what is wrong with it
function neap.ip.set(entries) end

--- The one form of an address (RFC 5952).
---@param text string
---@return string|nil address  nil when it is none
---@return integer|string family  4 or 6, or the reason
function neap.ip.parse(text) end

--- The network of an address, as a key for limits: `"192.0.2.1"`, `"2001:db8:1:2::/64"`.
---@param ip string
---@param bits4 integer|nil  of IPv4 addresses; 32 when absent
---@param bits6 integer|nil  of IPv6 addresses; 64 when absent
---@return string|nil network  nil when it is no address
---@return string|nil reason
function neap.ip.prefix(ip, bits4, bits6) end

--- URLs and their parts.
---@class neap.url
neap.url = {}

--- The normalised path, for rules: one text for all paths that a server may take for the same.
--- Escapes of what may stand in a path are taken out once, `.` and `..` and empty segments go,
--- `%2F` stays. nil for paths that servers take differently: answer those with 400.
---@param path string  without a query
---@return string|nil normal
---@return string|nil reason
function neap.url.path(path) end

--- Is a normalised path that one, or below it? `/admin/x` is within `/admin`, `/administrator` is
--- not.
---@param path string
---@param top string
---@return boolean
function neap.url.is_within(path, top) end

--- Takes escapes out. A plus stays.
---@param text string
---@return string|nil decoded  nil when an escape is broken
---@return string|nil reason
function neap.url.decode(text) end

--- Escapes all bytes but letters, digits and `-._~`.
---@param text string
---@return string
function neap.url.encode(text) end

--- The arguments of a query, as forms write them: a plus is a blank, and a broken escape stands for
--- itself. An argument without `=` has the value `""`.
---@param query string|nil  nil: none
---@param max integer|nil  more arguments are an error; 100 when absent
---@return table<string, string>|nil first  by name; of several, the first
---@return table[]|string list  all in their order, `{ name, value }` each; or the reason
function neap.url.args(query, max) end

--- A query: the arguments of a list in their order, then those by name, sorted.
---@param args table  `{ page = 2, tag = { "a", "b" } }`, or `{ { "page", 2 }, … }`
---@return string
function neap.url.query(args) end

--- A URL; without `host`, a path with its query.
---@param parts table  `{ scheme = "http", host =, port =, path = "/", query = }`; `query`: a text,
--- or as of `neap.url.query`
---@return string
function neap.url.build(parts) end

return neap
