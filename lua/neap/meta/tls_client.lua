---@meta

--- The certificate that a client shows (`tls.client`).
---@class neap.tls.client
---@field subject string  `"CN=alice,O=Example"` (RFC 2253)
---@field issuer string
---@field serial string  hexadecimal, in capitals
---@field names string[]  of its subjectAltName: hosts (in lower case), mail addresses, URIs, IP
--- addresses. The common name is not one of them
---@field fingerprint string  SHA-256 of the certificate, hexadecimal
---@field not_after number  valid until then: seconds since 1970
---@field verified boolean  its chain ends at `tls.client.ca`; always true: with any other
--- certificate the handshake fails
---@field error string|nil  why it is not verified; nil when it is
local client = {}

return client
