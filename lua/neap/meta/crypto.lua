---@meta

local neap = {}

--- Digests, HMAC, random bytes. A `form` is `"hex"` (when absent), `"raw"`, `"base64"` or
--- `"base64url"`.
---@class neap.crypto
neap.crypto = {}

--- For what is old; it does not protect from forgery.
---@param text string
---@param form string|nil
---@return string
function neap.crypto.sha1(text, form) end

--- SHA-256.
---@param text string
---@param form string|nil
---@return string
function neap.crypto.sha256(text, form) end

--- SHA-384.
---@param text string
---@param form string|nil
---@return string
function neap.crypto.sha384(text, form) end

--- SHA-512.
---@param text string
---@param form string|nil
---@return string
function neap.crypto.sha512(text, form) end

--- HMAC (RFC 2104) over one of them.
---@param algorithm string  `"sha1"`, `"sha256"`, `"sha384"` or `"sha512"`
---@param key string
---@param text string
---@param form string|nil
---@return string
function neap.crypto.hmac(algorithm, key, text, form) end

--- Random bytes that nobody can guess. In the test kit, `neap sim` and `neap replay` they come from
--- the dice of `neap.random`, the same for the same seed.
---@param n integer  1 to 256
---@return string bytes
function neap.crypto.random(n) end

--- Are they the same? Takes as long wherever they differ, so secrets cannot be found by measuring.
---@param a string
---@param b string
---@return boolean
function neap.crypto.equal(a, b) end

--- Signed tokens (JWT, RFC 7519).
---@class neap.jwt
neap.jwt = {}

--- Verifies a token and its claims. Algorithms: `HS256`, `HS384`, `HS512`, `RS256`, `RS384`,
--- `RS512`, `PS256`, `PS384`, `PS512`, `ES256`, `ES384`, `ES512`, `EdDSA`; a key takes only those
--- of its kind. Options: `keys` (as of `neap.jwt.keys`), `algorithms` (a list; absent: all that fit
--- the key), `issuer` and `audience` (a text or a list of which one must fit), `required` (names of
--- claims that must be there), `leeway` (seconds, 0), `now` (seconds since 1970).
---@param token string|nil  nil is refused as well
---@param options table
---@return table|nil claims  nil when it is refused
---@return table|string header  or the reason
function neap.jwt.verify(token, options) end

--- Reads keys, once: PEM of a public key or a certificate, a JWK set (its JSON, or decoded; also
--- one key), or a secret. Keys of other kinds in a set are left out.
---@param keys string|table
---@return neap.jwt.keys|nil keys  nil when none can be used
---@return string|nil reason
function neap.jwt.keys(keys) end

return neap
