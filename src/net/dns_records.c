#include "net/dns_records.h"

#include <ares.h>
#include <arpa/inet.h>

enum { HEADER_BYTES = 12, QUESTION_BYTES = 4, RECORD_BYTES = 10, SRV_BYTES = 6, IN = 1 };

/* Where the reader is in the answer. */
struct reader {
	struct str all;
	size_t at;
};

struct record {
	uint16_t type, class;
	uint32_t ttl_s;
	struct reader data; /* up to its end */
	size_t end;
};

static size_t bytes_left(const struct reader *r)
{
	return r->all.n - r->at;
}

static uint16_t take_u16(struct reader *r)
{
	const unsigned char *p = (const unsigned char *)r->all.p + r->at;

	r->at += 2;
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t take_u32(struct reader *r)
{
	uint32_t high = take_u16(r);

	return high << 16 | take_u16(r);
}

/* c-ares follows compression, and escapes what is no letter of a name. NULL: it makes no sense. */
static char *take_name(struct reader *r)
{
	char *name;
	long length;

	if (r->all.n > INT32_MAX || bytes_left(r) == 0)
		return NULL;
	const unsigned char *bytes = (const unsigned char *)r->all.p;
	if (ares_expand_name(bytes + r->at, bytes, (int)r->all.n, &name, &length) != ARES_SUCCESS)
		return NULL;
	if (length < 0 || (size_t)length > bytes_left(r)) {
		ares_free_string(name);
		return NULL;
	}
	r->at += (size_t)length;
	return name;
}

static bool skip_name(struct reader *r)
{
	char *name = take_name(r);

	ares_free_string(name);
	return name != NULL;
}

static bool skip_questions(struct reader *r, unsigned count)
{
	while (count-- > 0) {
		if (!skip_name(r) || bytes_left(r) < QUESTION_BYTES)
			return false;
		r->at += QUESTION_BYTES;
	}
	return true;
}

static bool take_record(struct reader *r, struct record *record)
{
	if (!skip_name(r) || bytes_left(r) < RECORD_BYTES)
		return false;
	record->type = take_u16(r);
	record->class = take_u16(r);
	record->ttl_s = take_u32(r);
	size_t n = take_u16(r);
	if (bytes_left(r) < n)
		return false;
	record->data = *r;
	r->at += n;
	record->end = r->at;
	return true;
}

static bool write_address(const struct record *record, int family, size_t n, struct out *out)
{
	char text[INET6_ADDRSTRLEN];
	const struct reader *data = &record->data;

	if (record->end - data->at != n ||
	    inet_ntop(family, data->all.p + data->at, text, sizeof(text)) == NULL)
		return false;
	out_str(out, str_of(text));
	return true;
}

static bool write_service(struct record *record, struct out *out)
{
	struct reader *data = &record->data;

	if (record->end - data->at <= SRV_BYTES)
		return false;
	for (unsigned i = 0; i < 3; i++) {
		out_u64(out, take_u16(data));
		out_str(out, STR(" "));
	}
	char *name = take_name(data);
	if (name == NULL || data->at > record->end) {
		ares_free_string(name);
		return false;
	}
	out_str(out, name[0] == '\0' ? STR(".") : str_of(name));
	ares_free_string(name);
	return true;
}

static bool write_record(struct record *record, struct out *out)
{
	bool is_good = record->type == DNS_SRV ? write_service(record, out)
		       : record->type == DNS_A ? write_address(record, AF_INET, 4, out)
					       : write_address(record, AF_INET6, 16, out);

	out_str(out, STR("\n"));
	return is_good;
}

static void note_ttl(int64_t *ttl_s, uint32_t found_s)
{
	if (found_s > INT32_MAX) /* RFC 2181 §8 */
		found_s = 0;
	if (*ttl_s < 0 || found_s < *ttl_s)
		*ttl_s = found_s;
}

static enum err fail_nonsense(struct error *e)
{
	return err_set(e, ERR_INVALID, "the DNS server's answer makes no sense");
}

enum err dns_records_write(struct str answer, enum dns_type type, struct out *out, int64_t *ttl_s,
			   struct error *e)
{
	struct reader r = { answer, 4 }; /* after id and flags, which c-ares has looked at */
	struct record record;

	*ttl_s = -1;
	if (answer.n < HEADER_BYTES)
		return fail_nonsense(e);
	unsigned questions = take_u16(&r), answers = take_u16(&r);
	r.at = HEADER_BYTES;
	if (!skip_questions(&r, questions))
		return fail_nonsense(e);
	for (unsigned i = 0; i < answers; i++) {
		if (!take_record(&r, &record))
			return fail_nonsense(e);
		bool is_wanted = record.type == type && record.class == IN;
		if (is_wanted || record.type == DNS_CNAME)
			note_ttl(ttl_s, record.ttl_s);
		if (is_wanted && !write_record(&record, out))
			return fail_nonsense(e);
		if (out->full)
			return err_set(e, ERR_LIMIT, "the DNS server's answer is too long");
	}
	return ERR_OK;
}
