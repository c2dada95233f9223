-- Programs that are not welcome, by the fingerprint of their TLS (JA4). The first one is an
-- example: put those there that the log shows to misbehave.
local neap = require "neap"

local DENIED = {
  t13d1516h2_8daaf6152771_02713d6af862 = "an example",
}

local policy = {}

function policy.request(request)
  local ja4 = request.tls and request.tls.ja4
  local why = ja4 and DENIED[ja4]
  if why then
    neap.metric.counter("denied_by_ja4_total", "requests of programs that are not welcome"):add(1)
    return neap.reply { status = 403 }
  end
end

function policy.log(request, outcome)
  local ja4 = request.tls and request.tls.ja4
  neap.log.info("%s %s %s: %d", request.client_ip, ja4 or "no TLS", request.path, outcome.status)
end

return policy
