-- gRPC: each call is balanced by itself, and batch jobs have a server of their own.
return {
  services = {
    { name = "shop", listen = "127.0.0.1:8080", pool = "shop", policy = "policy.lua" },
  },
  pools = {
    shop = {
      backends = {
        { url = "http://127.0.0.1:8081", zone = "online" },
        { url = "http://127.0.0.1:8082", zone = "online" },
        { url = "http://127.0.0.1:8083", zone = "batch" },
      },
      http2 = true,
      health = { type = "grpc", interval = 5, timeout = 2 },
      retry = { grpc_status = { "UNAVAILABLE" } },
      eject = { consecutive = 5 },
      timeouts = { stream_idle = false },
    },
  },
}
