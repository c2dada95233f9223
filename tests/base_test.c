/* What of the base room exists in headers only: views and lists. */
#include "base/list.h"
#include "base/str.h"
#include "check.h"

static void test_eq(void)
{
	check_case("str_eq");
	check(str_eq(STR("abc"), str_of("abc")), "the same bytes");
	check(!str_eq(STR("abc"), STR("abd")), "other bytes");
	check(!str_eq(STR("abc"), STR("ab")), "other lengths");
	check(str_eq(STR("a\0b"), STR("a\0b")), "zeros are bytes");
	check(!str_eq(STR("a\0b"), STR("a\0c")), "bytes behind a zero count");
	check(str_eq((struct str){ NULL, 0 }, STR("")), "empty is empty");
	check(str_eq_nocase(STR("Content-LENGTH"), STR("content-length")), "either case");
	check(!str_eq_nocase(STR("a@"), STR("a`")), "only letters have a case");
	check(!str_eq_nocase(STR("\xC4"), STR("\xE4")), "only ASCII letters have a case");
	check(!str_eq_nocase(STR("ab"), STR("abc")), "other lengths without case");
}

static void test_starts_with(void)
{
	check_case("str_starts_with");
	check(str_starts_with(STR("unix:/x"), STR("unix:")), "it does");
	check(str_starts_with(STR("x"), STR("x")), "with itself");
	check(!str_starts_with(STR("x"), STR("xy")), "not with a longer one");
	check(!str_starts_with(STR("yx"), STR("x")), "not in the middle");
	check(str_starts_with((struct str){ NULL, 0 }, (struct str){ NULL, 0 }), "with nothing");
}

static void test_trim(void)
{
	static const struct {
		struct str in, out;
	} table[] = {
		{ STR_INIT(" a "), STR_INIT("a") },	  { STR_INIT("\t a b\t"), STR_INIT("a b") },
		{ STR_INIT(""), STR_INIT("") },		  { STR_INIT(" \t "), STR_INIT("") },
		{ STR_INIT("a"), STR_INIT("a") },	  { STR_INIT("\ra\n"), STR_INIT("\ra\n") },
		{ STR_INIT("\va\f"), STR_INIT("\va\f") },
	};

	check_case("str_trim");
	for (unsigned i = 0; i < countof(table); i++)
		check(str_eq(str_trim(table[i].in), table[i].out), table[i].out.p);
	check(str_trim((struct str){ NULL, 0 }).n == 0, "nothing");
}

static void check_items(const char *list, const char *const *items, unsigned count)
{
	struct str rest = str_of(list), item;
	unsigned n = 0;

	while (str_split(&rest, ',', &item)) {
		if (!check(n < count, "no more items than expected"))
			return;
		check(str_eq(item, str_of(items[n])), items[n]);
		n++;
	}
	check(n == count, list);
	check(!str_split(&rest, ',', &item), "it stays used up");
}

static void test_split(void)
{
	check_case("str_split");
	check_items("a,b,c", (const char *const[]){ "a", "b", "c" }, 3);
	check_items("a", (const char *const[]){ "a" }, 1);
	check_items("", (const char *const[]){ "" }, 1);
	check_items(",", (const char *const[]){ "", "" }, 2);
	check_items("a,,b,", (const char *const[]){ "a", "", "b", "" }, 4);
}

static void test_copy(void)
{
	char to[4] = "xyz";

	check_case("str_copy");
	check(str_copy(to, sizeof(to), STR("abc")) && strcmp(to, "abc") == 0, "fits exactly");
	check(!str_copy(to, sizeof(to), STR("abcd")) && to[0] == '\0', "does not fit");
	check(str_copy(to, sizeof(to), (struct str){ NULL, 0 }) && to[0] == '\0', "nothing");
	check(!str_copy(to, 1, STR("a")) && to[0] == '\0', "room for the zero only");
}

static void test_list(void)
{
	struct list head, a, b, c;

	check_case("list");
	list_init(&head);
	list_init(&a);
	list_init(&b);
	list_init(&c);
	check(list_is_empty(&head) && list_first(&head) == NULL, "empty at first");
	list_append(&head, &b);
	list_append(&head, &c);
	list_prepend(&head, &a);
	check(list_first(&head) == &a, "prepended comes first");
	check(a.next == &b && b.next == &c && c.next == &head, "the order forwards");
	check(head.prev == &c && c.prev == &b && b.prev == &a, "the order backwards");
	list_remove(&b);
	check(a.next == &c && c.prev == &a, "the neighbours are joined");
	check(list_is_empty(&b), "a removed node points at itself");
	list_remove(&b);
	check(list_is_empty(&b), "removing twice is harmless");
	list_remove(&a);
	list_remove(&c);
	check(list_is_empty(&head), "empty at last");
}

struct holder {
	int before;
	struct list node;
};

static void test_container_of(void)
{
	struct holder h;
	struct list *node = &h.node;

	check_case("container_of");
	check(container_of(node, struct holder, node) == &h, "from the member to the whole");
}

int main(void)
{
	test_eq();
	test_starts_with();
	test_trim();
	test_split();
	test_copy();
	test_list();
	test_container_of();
	return check_report();
}
