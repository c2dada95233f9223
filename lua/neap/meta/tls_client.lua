---@meta

--- The certificate that a client shows (`tls.client`). To a balancer in front it is shown there:
--- its PROXY header tells the common name (`subject` is `"CN=alice"`) and whether it is verified,
--- no more.
---@class neap.tls.client
---@field subject string|nil  `"CN=alice,O=Example"` (RFC 2253)
---@field issuer string|nil
---@field serial string|nil  hexadecimal, in capitals
---@field names string[]  of its subjectAltName: hosts (in lower case), mail addresses, URIs, IP
--- addresses. The common name is not one of them
---@field fingerprint string|nil  SHA-256 of the certificate, hexadecimal
---@field not_after number|nil  valid until then: seconds since 1970
---@field verified boolean  its chain ends at `tls.client.ca`; always true where neap ends TLS: with
--- any other certificate the handshake fails
---@field error string|nil  why it is not verified; nil when it is
local client = {}

return client
