#include "http/refuse.h"

const char *refuse_byte(char c, const char *otherwise)
{
	switch (c) {
	case '\0':
		return "NUL in header";
	case '\n':
		return "bare LF in header";
	case '\r':
		return "bare CR in header";
	default:
		return otherwise;
	}
}
