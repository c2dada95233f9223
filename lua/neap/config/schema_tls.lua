-- Rows of the schema about TLS (schema.lua says what a row is).

local tls = {}

tls.tls = {
  { "certificate", "path", max = 1023,
    text = "A file with the certificate and those that lead to the CA's, in this order, as PEM." },
  { "key", "path", max = 1023, show = "in `certificate`",
    text = "The file of its private key, as PEM, without a passphrase." },
  { "ocsp", "path", max = 1023,
    text = "A file with the CA's word (OCSP, DER) that it is not revoked; clients get it, too." },
  { "certificates", "certificates", max = 10000,
    text = "Several instead of one: a list of tables, or of folders (`\"certs/\"`: each "
      .. "`NAME.pem`, or `NAME.crt` with `NAME.key`; `NAME.ocsp` goes with it). The name that a "
      .. "client asks for chooses: an exact one first, then a wildcard." },
  { "sni", "choice", default = "first", values = { "first", "strict" },
    text = "Who asks for a name that no certificate has, or for none, gets the first certificate; "
      .. "with `\"strict\"` the handshake ends with the alert `unrecognized_name`." },
  { "min_version", "choice", default = "1.2", values = { "1.2", "1.3" },
    text = "The oldest version of TLS." },
  { "max_version", "choice", default = "1.3", values = { "1.2", "1.3" }, text = "The newest." },
  { "ciphers", "tls_names", max = 4095, show = "Mozilla's intermediate",
    text = "Cipher suites of TLS 1.2, by OpenSSL's names, separated by `:`." },
  { "ciphersuites", "tls_names", max = 1023, show = "Mozilla's intermediate",
    text = "Those of TLS 1.3." },
  { "groups", "tls_names", max = 1023, show = "Mozilla's intermediate",
    text = "Groups for the key exchange: `\"X25519:P-256:P-384\"`." },
  { "client", "section", section = "tls_client", optional = true, default = false,
    also = { false }, text = "Asks clients for certificates of their own." },
  { "tickets", "section", section = "tls_tickets", optional = true, default = true,
    also = { true, false },
    text = "Clients that come again resume their session, which saves the better part of a "
      .. "handshake. Keys rotate by themselves, unless a file has them." },
  { "self_signed", "boolean", default = false,
    text = "A certificate made at the start, for trying out; reloads keep it, nobody trusts it." },
  { "acme", "section", section = "tls_acme", optional = true, default = false, also = { false },
    text = "Certificates got and renewed by neap itself (docs/tls.md)." },
}

-- An item of `tls.certificates` that is a table.
tls.tls_certificate = {
  { "certificate", "path", max = 1023, required = true, text = "As in `tls`." },
  { "key", "path", max = 1023, show = "in `certificate`", text = "As in `tls`." },
  { "ocsp", "path", max = 1023, text = "As in `tls`." },
}

tls.tls_client = {
  { "ca", "path", max = 1023, required = true,
    text = "A file with the certificates of those who may issue clients' certificates, as PEM." },
  { "verify", "choice", default = "require", values = { "require", "request" },
    hints = { optional = "request", required = "require" },
    text = "`\"require\"`: nobody is served without one. `\"request\"`: a client may have none, "
      .. "but one that does not verify is refused." },
  { "crl", "path", max = 1023, text = "A file with lists of revoked certificates, as PEM." },
  { "depth", "integer", default = 4, min = 0, max = 100,
    text = "How many certificates may stand between a client's and one of `ca`." },
}

tls.tls_tickets = {
  { "keys", "path", max = 1023, required = true,
    text = "A file of random bytes, 80 a key, that several machines share: the first key encrypts, "
      .. "the others decrypt." },
}

tls.tls_acme = {
  { "domains", "list", default = {}, max = 1000, of = { "domains[]", "name", max = 253 },
    text = "The names that certificates are got for, each one of its own." },
  { "email", "name", max = 255, text = "Whom the CA may write to." },
  { "directory", "name", default = "https://acme-v02.api.letsencrypt.org/directory", max = 1023,
    text = "The URL of the CA's directory." },
  { "ca", "path", max = 1023, show = "the system's",
    text = "A file with the certificates that the CA's own server is verified with." },
  { "storage", "path", required = true, max = 1023,
    text = "A folder for the account and the certificates; `user` must be able to write there." },
  { "challenge", "choice", default = "http-01", values = { "http-01", "tls-alpn-01" },
    text = "How the CA is shown that the names are ours: over plain HTTP, or in a TLS handshake. "
      .. "The CA comes to port 80 or 443." },
  { "agree", "boolean", default = false, text = "You agree to the CA's terms. It must be true." },
  { "eab", "section", section = "tls_eab", optional = true,
    text = "An account that you have at the CA already (external account binding)." },
}

tls.tls_eab = {
  { "id", "name", required = true, max = 1023, text = "The account's id, as the CA gave it." },
  { "key", "secret", required = true, max = 1023, text = "Its key, base64url." },
}

tls.pool_tls = {
  { "verify", "boolean", default = true,
    text = "Is a backend believed to be who it is only with a valid certificate?" },
  { "ca", "path", max = 1023, also = { "system" }, show = "`\"system\"`",
    text = "A file with the certificates of those who may issue backends' certificates, as PEM; "
      .. "`\"system\"`: those that this machine trusts." },
  { "server_name", "server_name", max = 253, show = "the host of the backend's URL",
    text = "The name that is asked for, and that the certificate must have." },
  { "certificate", "path", max = 1023,
    text = "A certificate of our own, for backends that ask for one, with those that lead to the "
      .. "CA's." },
  { "key", "path", max = 1023, show = "in `certificate`", text = "The file of its private key." },
  { "min_version", "choice", default = "1.2", values = { "1.2", "1.3" },
    text = "The oldest version of TLS." },
}

return tls
