-- nginx as a backend over TLS, which says what it knows of the connection.
--
--   tls_nginx.start{ certificate = cert (support.pki), client_ca = ca, content = directives,
--                    listen = more of its address, protocols = "TLSv1.2",
--                    tells = "$ssl_server_name" } → s (support.nginx)
--       Answers everything with `tells`, variables of nginx filled in.
--   s.url is https://, s.port a number

local nginx = require "support.nginx"

local tls_nginx = {}

function tls_nginx.start(options)
  local lines = {
    ("ssl_protocols %s;"):format(options.protocols or "TLSv1.2 TLSv1.3"),
    ("ssl_certificate %s;"):format(options.certificate.chain_path),
    ("ssl_certificate_key %s;"):format(options.certificate.key_path),
    options.content or ('location / { return 200 "%s"; }'):format(options.tells or "well"),
  }
  if options.client_ca then
    table.insert(lines, ("ssl_client_certificate %s; ssl_verify_client on;")
      :format(options.client_ca.pem_path))
  end
  local server = nginx.start {
    listen = "ssl " .. (options.listen or ""),
    content = table.concat(lines, "\n"),
  }
  server.url = "https://" .. server.address
  server.port = tonumber(server.address:match ":(%d+)$")
  return server
end

return tls_nginx
