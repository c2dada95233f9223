---@meta

--- A client's TLS, as `request.tls`; nil when the client came in the clear. neap has ended it, or a
--- balancer in front has, which tells of it in a PROXY header of version 2 (`proxy_protocol`): then
--- what the header does not say is nil.
---@class neap.tls
---@field version string|nil  `"TLSv1.2"` or `"TLSv1.3"`
---@field cipher string|nil  as OpenSSL names it: `"TLS_AES_128_GCM_SHA256"`
---@field sni string|nil  the host that the client asked for, in lower case, no dot at its end
---@field alpn string|nil  the protocol that was agreed on
---@field resumed boolean  a session of an earlier connection goes on
---@field ja4 string|nil  the fingerprint (JA4) of the client's program
---@field client neap.tls.client|nil  who it says it is; nil without a certificate of its own
local tls = {}

return tls
