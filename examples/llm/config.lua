-- Two models, each with servers of its own that speak the API of OpenAI (vLLM and others do).
return {
  services = { { listen = ":8080", pool = "small", policy = "policy.lua", on_error = "refuse",
    limits = { hook_body_bytes = 2^20, body_bytes = 2^20 },
    timeouts = { response = 300, stream_idle = 120 } } },
  pools = {
    small = { backends = { "http://127.0.0.1:8081", "http://127.0.0.1:8082" } },
    large = { backends = { "http://127.0.0.1:8083" } },
  },
  shared = { loads = { bytes = 2^20 }, limits = { bytes = 16 * 2^20 } },
}
