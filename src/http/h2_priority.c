#include "http/h2_priority.h"

#include "http/scan.h"

void h2_priority_read(struct h2_priority *p, struct str list)
{
	struct str item, member;
	p->is_given = true;
	while (scan_list(&list, &item)) {
		(void)str_split(&item, ';', &member); /* an item always has a first part */
		member = str_trim(member);
		if (member.n == 3 && member.p[0] == 'u' && member.p[1] == '=' &&
		    member.p[2] >= '0' && member.p[2] <= '7')
			p->urgency = (uint8_t)(member.p[2] - '0');
		else if (str_eq(member, STR("i")) || str_eq(member, STR("i=?1")))
			p->is_incremental = true;
		else if (str_eq(member, STR("i=?0")))
			p->is_incremental = false;
	}
}
