-- Rows of the schema about registries: where a pool's backends come from beside the config
-- (schema.lua says what a row is; docs/discovery.md tells of each type).

local discover = {}

local MONTH = 30 * 24 * 3600

local TYPES = { "hook", "dns", "dns_srv", "etcd", "consul", "kubernetes", "file", "http" }

local function only(...) return { "type", ... } end

local REGISTRIES = only("dns", "dns_srv", "etcd", "consul", "kubernetes", "file", "http")
local OVER_HTTP = only("etcd", "consul", "kubernetes", "http")

discover.discover = {
  { "type", "choice", default = "hook", values = TYPES,
    hints = { srv = "dns_srv", k8s = "kubernetes", json = "file", lua = "file", url = "http" },
    text = "`\"hook\"`: the policy's `discover`, if it has one. Each other type is a registry that "
      .. "is followed as it changes (docs/discovery.md)." },
  { "interval", "seconds", default = 10, max = MONTH, unit = "s",
    when = only("hook", "dns", "dns_srv", "http"),
    text = "Between two runs of the hook, or two questions to a server that does not hold them; "
      .. "between two lookups at most." },
  { "name", "name", required = true, max = 253, when = only("dns", "dns_srv"),
    text = "The name whose addresses, or SRV records, are the backends." },
  { "path", "path", required = true, max = 4000, when = only "file",
    text = "A file with a list of backends: JSON, or Lua if it ends in `.lua`; relative to this "
      .. "file's folder." },
  { "url", "text", required = true, max = 2000, when = only "http",
    text = "Where a list of backends is, as JSON." },
  { "wait", "seconds", default = 30, max = 600, also = { false }, unit = "s",
    when = only("http", "consul"),
    text = "How long the server is asked to hold a question until something changes; `false`: "
      .. "not at all." },
  { "endpoints", "list", max = 16, of = { "endpoints[]", "text", max = 2000 },
    when = only("etcd", "consul", "kubernetes"), show = "those of this machine",
    text = "URLs of its servers; when one does not answer, the next one is asked. By default that "
      .. "of etcd or consul on this machine, or the one of the cluster that the pod runs in." },
  { "prefix", "name", required = true, max = 1000, when = only "etcd",
    text = "What the keys of the backends begin with." },
  { "service", "name", required = true, max = 253, when = only("consul", "kubernetes"),
    text = "The name of the service." },
  { "tag", "name", max = 253, when = only "consul", text = "Only members with this tag." },
  { "datacenter", "name", max = 253, when = only "consul",
    text = "Of the service, if it is another one." },
  { "passing", "boolean", default = true, when = only "consul",
    text = "Only members whose checks in consul all pass; `false`: all but those in maintenance." },
  { "namespace", "name", max = 253, when = only "kubernetes", show = "the pod's own",
    text = "Of the service." },
  { "port", "port_or_name", when = only("dns", "kubernetes"),
    text = "The port of each backend; with `kubernetes` also the name of one. With `dns` it must "
      .. "be given." },
  { "zone", "name", max = 63, when = only "kubernetes",
    text = "Only endpoints that are hinted for this zone, if all have hints." },
  { "user", "name", max = 255, when = only "etcd", text = "For etcd's own authentication." },
  { "password", "text", max = 255, when = only "etcd", text = "Of that user." },
  { "password_file", "path", max = 4000, when = only "etcd",
    text = "A file that has it in its first line, instead of `password`." },
  { "token", "secret", max = 4000, when = only("consul", "kubernetes", "http"),
    text = "What consul, Kubernetes or the server knows neap by." },
  { "token_file", "path", max = 4000, when = only("consul", "kubernetes", "http"),
    text = "A file that has the token in its first line; it is read anew for each question. `user` "
      .. "must be able to read it." },
  { "tls", "section", section = "discover_tls", optional = true, when = OVER_HTTP,
    text = "How `https://` servers are spoken to." },
  { "scheme", "choice", default = "http", values = { "http", "https", "tcp", "tls" },
    when = REGISTRIES,
    text = "How members that are only an address are spoken to." },
  { "cluster", "name", max = 253, when = only("etcd", "file", "http"),
    text = "Members that say `cluster` and mean another one are left out: two clusters that write "
      .. "to one place by mistake." },
  { "empty", "seconds", default = "keep", max = MONTH, also = { "keep", "believe" },
    when = REGISTRIES, unit = "s",
    text = "An empty list where there were backends: `\"keep\"`: they stay; `\"believe\"`: the "
      .. "pool is empty; a number: it is believed when it has been so for that long." },
  { "flaps", "integer", default = 5, min = 1, max = 1000, also = { false }, when = REGISTRIES,
    text = "A member that left the list so often lately (each time counts half after 30 s) is held "
      .. "out until it is quiet." },
  { "max_members", "integer", default = 4096, min = 1, max = 16384, when = REGISTRIES,
    text = "A longer list is not believed." },
  { "max_bytes", "integer", default = 4194304, min = 1024, max = 67108864, unit = "bytes",
    when = only("etcd", "consul", "kubernetes", "file", "http"),
    text = "The size of an answer, or of the file." },
}

-- Of admin: changes that several balancers have in common.
discover.admin_share = {
  { "etcd", "section", section = "shared_etcd", text = "The etcd in which they meet." },
  { "name", "name", max = 63, show = "this host's",
    text = "What the others call this balancer; no two may have the same." },
  { "cluster", "name", max = 253,
    text = "Balancers that say another one, or none, are not believed: two clusters that meet at "
      .. "one prefix by mistake." },
}

-- Of health: checks that several balancers have in common.
discover.health_share = {
  discover.admin_share[1], discover.admin_share[2], discover.admin_share[3],
  { "lease", "integer", default = 10, min = 2, max = 600, unit = "s",
    text = "A balancer that etcd has not heard of for so long is gone: the others check what was "
      .. "its own." },
}

discover.shared_etcd = {
  { "prefix", "name", required = true, max = 1000,
    text = "What the keys begin with; one for each group of balancers." },
  { "endpoints", "list", max = 16, of = { "endpoints[]", "text", max = 2000 },
    show = "that of this machine", text = "URLs of its members; the next one is asked when one "
      .. "does not answer." },
  { "user", "name", max = 255, text = "For etcd's own authentication." },
  { "password", "text", max = 255, text = "Of that user." },
  { "password_file", "path", max = 4000, text = "A file that has it in its first line." },
  { "tls", "section", section = "discover_tls", optional = true,
    text = "How `https://` endpoints are spoken to; as in a pool's `discover`." },
}

discover.discover_tls = {
  { "verify", "boolean", default = true, text = "Must the server have a valid certificate?" },
  { "ca", "path", max = 1023, show = "the system's",
    text = "A file with the certificates of those who may issue it, as PEM." },
  { "server_name", "server_name", max = 253, show = "the host of the URL",
    text = "The name that the certificate must have." },
  { "certificate", "path", max = 1023, text = "A certificate of our own, for servers that ask." },
  { "key", "path", max = 1023, text = "The file of its private key." },
}

return discover
