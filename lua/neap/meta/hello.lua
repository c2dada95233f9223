---@meta

--- What a TLS client says at first (its ClientHello), for the hook `certificate`: a plain table.
---@class neap.hello
---@field sni string|nil  the host that it asks for, in lower case, without a dot at its end
---@field alpn string[]|nil  the protocols that it offers
---@field versions string[]  that it offers: `{ "TLSv1.3", "TLSv1.2" }`
---@field client_ip string  of the connection, or as a PROXY header said
---@field ja4 string|nil  the fingerprint (JA4) of its program
local hello = {}

return hello
