-- The base room and the addresses of the net room for unit specs. The structs have names of their
-- own here (LuaJIT knows one struct of a name a process); their layout is that of the headers.
local probe = require "support.probe"

local ffi = probe.ffi
local base = { ffi = ffi }

base.lib = probe.load [[
struct bt_str { const char *p; size_t n; };
struct bt_error { int code; char text[1024]; };
struct bt_list { struct bt_list *next, *prev; };
struct bt_slab {
  size_t object_bytes; uint32_t cap, used, made, per_chunk; void *free; char *fresh;
  uint32_t fresh_left; size_t span; struct bt_list chunks, parked;
  uint32_t parked_n, lately; struct bt_list node;
};
struct bt_buf { struct bt_slab *slab; char *data; uint32_t start, end; };
struct bt_limit { int64_t last_ms; uint32_t skipped; };
struct bt_addr {
  uint32_t len;
  union { uint16_t family; uint8_t bytes[110]; uint32_t aligned; };
};
struct bt_peer { uint8_t ip[16]; uint16_t port; uint8_t family; };
struct bt_cidr { uint8_t ip[16]; uint8_t bits; bool is_unix; };

bool num_add_u64(uint64_t a, uint64_t b, uint64_t *out);
bool num_mul_u64(uint64_t a, uint64_t b, uint64_t *out);
bool num_parse_u64(struct bt_str s, uint64_t max, uint64_t *out);
bool num_parse_hex(struct bt_str s, uint64_t max, uint64_t *out);
uint32_t num_ms_of_seconds(double seconds);
size_t num_write_u64(char *to, uint64_t v);
size_t num_write_hex(char *to, uint64_t v);

int err_set(struct bt_error *e, int code, const char *format, ...);
int err_sys(struct bt_error *e, int sys, const char *format, ...);
const char *err_name(int code);

bool log_level_of(const char *word, int *level);
int log_open(const char *target, int level, struct bt_error *e);
int log_reopen(struct bt_error *e);
bool log_enabled(int level);
void log_at(int level, const char *format, ...);
void log_debug(const char *format, ...);
void log_info(const char *format, ...);
void log_warn(const char *format, ...);
void log_error(const char *format, ...);
uint64_t log_lost(void);
bool log_may(struct bt_limit *limit, int64_t now_ms, uint32_t *skipped);

void slab_init(struct bt_slab *s, size_t object_bytes, uint32_t cap);
void slab_fini(struct bt_slab *s);
void *slab_take(struct bt_slab *s);
void slab_put(struct bt_slab *s, void *object);
void slab_look(struct bt_slab *s);
bool slab_trim(struct bt_slab *s, uint32_t *budget);
void slab_give_pages(const struct bt_slab *s, void *object);
size_t slab_whole_pages(size_t bytes);

void buf_init(struct bt_buf *b, struct bt_slab *slab);
bool buf_hold(struct bt_buf *b);
void buf_drop(struct bt_buf *b);
void buf_drop_if_empty(struct bt_buf *b);
void buf_move(struct bt_buf *to, struct bt_buf *from);
void buf_compact(struct bt_buf *b);
bool buf_append(struct bt_buf *b, const void *bytes, size_t n);

int addr_parse(struct bt_addr *a, struct bt_str text, struct bt_error *e);
bool addr_of_ip(struct bt_addr *a, struct bt_str ip, uint16_t port);
bool addr_equal(const struct bt_addr *a, const struct bt_addr *b);
uint16_t addr_port(const struct bt_addr *a);
void addr_set_port(struct bt_addr *a, uint16_t port);
bool addr_is_unix(const struct bt_addr *a);
size_t addr_print(const struct bt_addr *a, char *to);
void peer_of_addr(struct bt_peer *p, const struct bt_addr *a);
size_t peer_print_ip(const struct bt_peer *p, char *to);
int cidr_parse(struct bt_cidr *c, struct bt_str text, struct bt_error *e);
bool cidr_contains(const struct bt_cidr *c, const struct bt_peer *p);
int __asan_address_is_poisoned(const volatile void *address);
]]

-- The values of the headers' enums that specs name.
base.code = { OK = 0, MEMORY = 1, INVALID = 2, LIMIT = 3, SYSTEM = 4, SCRIPT = 5, GONE = 6 }
base.level = { debug = 0, info = 1, warn = 2, error = 3 }

function base.str(text) return ffi.new("struct bt_str", text, #text) end

-- Where the build puts a program beside the probe.
function base.program(name)
  local folder = (os.getenv "NEAP_PROBE" or "build/libneap_probe.so"):match "^(.*)/[^/]*$"
  return folder .. "/" .. name
end

return base
