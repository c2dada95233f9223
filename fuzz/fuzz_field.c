/* One field line: scanners, names, lists and the forwarding chain over any bytes. */
#include "fuzz.h"
#include "http/field_id.h"
#include "http/forwarded.h"
#include "http/scan.h"

static bool trusts_nobody(const void *ctx, struct str ip)
{
	must(ip.n > 0 && ctx == NULL);
	return false;
}

static void check_chain(struct str value)
{
	char memory[1024];
	struct parsed p;
	struct out o, out;
	out_init(&o, memory, sizeof(memory));
	out_str(&o, STR("GET / HTTP/1.0\r\n"));
	h1_write_field(&o, STR("X-Forwarded-For"), value);
	h1_write_field(&o, STR("Forwarded"), value);
	out_str(&o, STR("\r\n"));
	parse_cut(&p, false, (struct str){ o.p, o.n }, o.n);
	bool accepted = p.result == H1_DONE && p.h.n == 2 && p.h.bytes == o.n;
	must(!o.full && accepted == h1_is_field_value(value));
	if (!accepted)
		return;
	struct str client = forwarded_client(&p.h, o.p, trusts_nobody, NULL);
	must(client.n == 0 || (client.p >= o.p && client.p + client.n <= o.p + o.n));

	char text[2048];
	const struct forwarded f = { true, STR("::1"), STR("https"), STR("a:1"), 0 };
	out_init(&out, text, sizeof(text));
	forwarded_write(&out, &f, &p.h, o.p);
	must(!out.full);
	out_init(&o, memory, sizeof(memory));
	out_str(&o, STR("GET / HTTP/1.0\r\n"));
	out_str(&o, (struct str){ out.p, out.n });
	out_str(&o, STR("\r\n"));
	parse_cut(&p, false, (struct str){ o.p, o.n }, o.n);
	must(o.full || (p.result == H1_DONE && p.h.n == 4));
}

static void check_name(struct str name)
{
	must(h1_is_token(name) ==
	     (name.n > 0 && scan_while(name.p, name.p + name.n, SCAN_TOKEN) == name.p + name.n));
	if (!h1_is_token(name))
		return;
	enum field_id id = field_id_of(name);
	must(id < FIELD_IDS && (id == FIELD_OTHER || !field_may_trail(name)));
	must(id == FIELD_OTHER || field_is_alias(name));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 400)
		return -1;
	char *copy = exact(data, size);
	struct str in = { copy, size };
	must(scan_value_bytes(in.p, in.n) == scan_value_bytes_plain(in.p, in.n));
	check_name(in);
	check_chain(in);
	free(copy);
	return 0;
}
