#define PCRE2_CODE_UNIT_WIDTH 8
#include "text/regex.h"

#include <pcre2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	STEPS_MAX = 50000, /* that machine code counts itself */
	DEPTH_MAX = 50000,
	HEAP_KIB_MAX = 16384,
	STACK_BYTES = 32768,
	STACK_BYTES_MAX = 524288,
	WORK_MAX = 1000000, /* counted by call-backs; more for long texts */
	WORK_PER_BYTE = 8,
	BYTES_PER_WORK = 32 /* characters that one item took */
};

struct regex {
	pcre2_code *code, *counted; /* counted: NULL until it is needed */
	uint32_t options;
	size_t pattern_n;
	char pattern[];
};

/* What matching needs of memory, the same for all patterns. */
static struct engine {
	pcre2_compile_context *compile;
	pcre2_match_context *match;
	pcre2_match_data *data;
	pcre2_jit_stack *stack;
	uint32_t live; /* patterns */
	uint64_t work, work_max;
	size_t last; /* place of the last call-back */
} engine;

/* A call-back of PCRE2: what was done since the one before. */
static int count_work(pcre2_callout_block *block, void *ctx)
{
	struct engine *e = ctx;
	size_t at = block->current_position;
	size_t moved = at > e->last ? at - e->last : e->last - at;

	e->work += 1 + moved / BYTES_PER_WORK;
	e->last = at;
	return e->work > e->work_max ? PCRE2_ERROR_MATCHLIMIT : 0;
}

static bool engine_open(struct engine *e)
{
	if (e->stack != NULL)
		return true;
	if (e->compile == NULL)
		e->compile = pcre2_compile_context_create(NULL);
	if (e->match == NULL)
		e->match = pcre2_match_context_create(NULL);
	if (e->data == NULL)
		e->data = pcre2_match_data_create(REGEX_GROUPS_MAX + 1, NULL);
	if (e->compile == NULL || e->match == NULL || e->data == NULL)
		return false;
	(void)pcre2_set_max_pattern_length(e->compile, REGEX_PATTERN_MAX);
	(void)pcre2_set_match_limit(e->match, STEPS_MAX);
	(void)pcre2_set_depth_limit(e->match, DEPTH_MAX);
	(void)pcre2_set_heap_limit(e->match, HEAP_KIB_MAX);
	(void)pcre2_set_callout(e->match, count_work, e);
	e->stack = pcre2_jit_stack_create(STACK_BYTES, STACK_BYTES_MAX, NULL);
	if (e->stack == NULL)
		return false;
	pcre2_jit_stack_assign(e->match, NULL, e->stack);
	return true;
}

static uint32_t options_of(uint32_t flags)
{
	uint32_t options = PCRE2_NEVER_BACKSLASH_C;

	if (flags & REGEX_CASELESS)
		options |= PCRE2_CASELESS;
	if (flags & REGEX_MULTILINE)
		options |= PCRE2_MULTILINE;
	if (flags & REGEX_DOTALL)
		options |= PCRE2_DOTALL;
	if (flags & REGEX_EXTENDED)
		options |= PCRE2_EXTENDED;
	/* Bytes that are no UTF-8 match nothing, and those around them still do. */
	if (flags & REGEX_UTF)
		options |= PCRE2_UTF | PCRE2_MATCH_INVALID_UTF;
	else
		options |= PCRE2_NEVER_UTF;
	return options;
}

/* NULL: why says it. Without machine code (it may be refused) PCRE2 interprets. */
static pcre2_code *compile(const struct regex *r, uint32_t more, char *why)
{
	char message[128] = "";
	PCRE2_SIZE at = 0;
	int failure = 0;
	pcre2_code *code = pcre2_compile((PCRE2_SPTR)r->pattern, r->pattern_n, r->options | more,
					 &failure, &at, engine.compile);

	if (code != NULL) {
		(void)pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
		return code;
	}
	(void)pcre2_get_error_message(failure, (PCRE2_UCHAR *)message, sizeof(message));
	(void)snprintf(why, REGEX_WHY_MAX, "%s, at %zu", message, (size_t)at + 1);
	return NULL;
}

static struct regex *refuse(struct regex *r, char *why, const char *text)
{
	if (text != NULL)
		(void)snprintf(why, REGEX_WHY_MAX, "%s", text);
	if (r != NULL)
		pcre2_code_free(r->code);
	free(r);
	return NULL;
}

struct regex *regex_create(const char *pattern, size_t n, uint32_t flags, char *why)
{
	if (n > REGEX_PATTERN_MAX)
		return refuse(NULL, why, "it has more than 16384 bytes");
	if (engine.live >= REGEX_LIVE_MAX)
		return refuse(NULL, why, "there are 1000 patterns already");
	struct regex *r = malloc(sizeof(*r) + n + 1);
	if (r == NULL || !engine_open(&engine)) {
		free(r);
		return refuse(NULL, why, "out of memory");
	}
	*r = (struct regex){ .options = options_of(flags), .pattern_n = n };
	memcpy(r->pattern, pattern, n);
	r->code = compile(r, 0, why);
	if (r->code == NULL)
		return refuse(r, why, NULL);
	if (regex_groups(r) > REGEX_GROUPS_MAX)
		return refuse(r, why, "it has more than 99 groups");
	engine.live++;
	return r;
}

void regex_destroy(struct regex *r)
{
	if (r == NULL)
		return;
	pcre2_code_free(r->code);
	pcre2_code_free(r->counted);
	free(r);
	engine.live--;
}

uint32_t regex_groups(const struct regex *r)
{
	uint32_t n = 0;

	(void)pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &n);
	return n;
}

uint32_t regex_name(const struct regex *r, uint32_t at, const char **name)
{
	uint32_t n = 0, size = 0;
	PCRE2_SPTR table = NULL;

	(void)pcre2_pattern_info(r->code, PCRE2_INFO_NAMECOUNT, &n);
	(void)pcre2_pattern_info(r->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
	(void)pcre2_pattern_info(r->code, PCRE2_INFO_NAMETABLE, &table);
	if (at >= n)
		return 0;
	table += (size_t)at * size;
	*name = (const char *)table + 2;
	return (uint32_t)(table[0] << 8 | table[1]);
}

/* The form for this text; NULL: no memory. */
static const pcre2_code *form_of(struct regex *r, size_t n, uint32_t how)
{
	char why[REGEX_WHY_MAX];

	if (n <= REGEX_SHORT && (how & REGEX_GOES_ON) == 0)
		return r->code;
	if (r->counted == NULL)
		r->counted = compile(r, PCRE2_AUTO_CALLOUT, why);
	return r->counted;
}

static int32_t failure_of(int code)
{
	switch (code) {
	case PCRE2_ERROR_NOMATCH:
		return REGEX_NONE;
	case PCRE2_ERROR_MATCHLIMIT:
	case PCRE2_ERROR_DEPTHLIMIT:
	case PCRE2_ERROR_HEAPLIMIT:
	case PCRE2_ERROR_JIT_STACKLIMIT:
	case PCRE2_ERROR_RECURSELOOP:
		return REGEX_TOO_LONG;
	default:
		return REGEX_FAILED;
	}
}

int32_t regex_match(struct regex *r, const char *text, size_t n, size_t start, uint32_t how,
		    const size_t **places)
{
	if (r == NULL || n > REGEX_TEXT_MAX || start > n)
		return REGEX_FAILED;
	const pcre2_code *code = form_of(r, n, how);
	if (code == NULL)
		return REGEX_FAILED;
	if ((how & REGEX_GOES_ON) == 0 || start == 0)
		engine.work = 0;
	engine.work_max = WORK_MAX + (uint64_t)n * WORK_PER_BYTE;
	engine.last = start;
	(void)pcre2_set_match_limit(engine.match, code == r->code ? STEPS_MAX : UINT32_MAX);
	uint32_t options = (how & REGEX_NOT_EMPTY) ? PCRE2_NOTEMPTY_ATSTART | PCRE2_ANCHORED : 0;
	int found =
		pcre2_match(code, (PCRE2_SPTR)text, n, start, options, engine.data, engine.match);
	*places = pcre2_get_ovector_pointer(engine.data);
	return found > 0 ? found : failure_of(found);
}
