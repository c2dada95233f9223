-- Each connection goes to a server of the host that its client asks for. Nothing is decrypted.
local policy = {}

function policy.backends(request, pool)
  return pool:where("sni", request.sni or "")
end

return policy
