/* Targets and hosts: what the small checks say is what the parser does with them in a head. */
#include "fuzz.h"
#include "http/target.h"

static struct parsed parse(struct str before, struct str in, struct str after)
{
	char memory[1024];
	struct out o;
	struct parsed p;
	out_init(&o, memory, sizeof(memory));
	out_str(&o, before);
	out_str(&o, in);
	out_str(&o, after);
	must(!o.full);
	parse_cut(&p, false, (struct str){ o.p, o.n }, o.n);
	return p;
}

static void check_target(struct str in)
{
	struct parsed p = parse(STR("GET "), in, STR(" HTTP/1.0\r\n\r\n"));
	bool is_origin = p.result == H1_DONE && p.h.form == TARGET_ORIGIN && p.h.target.n == in.n;
	must(h1_is_target(in) == is_origin);
	if (is_origin)
		must(p.h.path.n + p.h.has_query + p.h.query.n == in.n && p.h.path.n > 0);
}

static void check_host(struct str in)
{
	if (str_trim(in).n != in.n || in.n == 0)
		return;
	struct parsed p = parse(STR("GET / HTTP/1.1\r\nHost:"), in, STR("\r\n\r\n"));
	bool accepted = p.result == H1_DONE && p.h.n == 1 && p.fields[0].value_n == in.n;
	must(authority_is_valid(in) == accepted);
	if (!accepted)
		return;
	must(authority_is_same(in, in, STR("80")));
	p = parse(STR("GET http://"), in, STR("/x HTTP/1.0\r\n\r\n"));
	must(p.result == H1_DONE && p.h.form == TARGET_ABSOLUTE && p.h.host.n == in.n);
	p = parse(STR("GET http://h HTTP/1.0\r\nHost: "), in, STR("\r\n\r\n"));
	must((p.result == H1_DONE) == authority_is_same(in, STR("h"), STR("80")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 500)
		return -1;
	char *copy = exact(data, size);
	check_target((struct str){ copy, size });
	check_host((struct str){ copy, size });
	free(copy);
	return 0;
}
