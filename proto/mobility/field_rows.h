/* How rows of a list of fields are written. Who includes it says by FIELD_OF which struct the
 * members are of. Inside this folder only. */
#pragma once

#include "proto/mobility/field.h"

#define FIELD_MEMBER(member_)                                                                      \
	.width = sizeof(((FIELD_OF *)0)->member_), .member = offsetof(FIELD_OF, member_)
#define FIELD_ROW(kind_, name_, at_, size_, member_, ...)                                          \
	{                                                                                          \
		.name = (name_), .kind = (kind_), .at = (at_), .size = (size_),                    \
		FIELD_MEMBER(member_), __VA_ARGS__                                                 \
	}

#define UINT(name, at, size, member) FIELD_ROW(FIELD_UINT, name, at, size, member, )
#define TIME(name, at, size, member, unit_)                                                        \
	FIELD_ROW(FIELD_UINT, name, at, size, member, .unit = (unit_))
#define BITS(name, at, size, mask_, member)                                                        \
	FIELD_ROW(FIELD_UINT, name, at, size, member, .mask = (mask_))
#define BOOL(name, at, size, mask_, member)                                                        \
	FIELD_ROW(FIELD_BOOL, name, at, size, member, .mask = (mask_))
#define FLAGS(at, size, member, set_)                                                              \
	FIELD_ROW(FIELD_FLAGS, "flags", at, size, member, .flags = (set_))
#define NAMED(name, at, size, member, names_)                                                      \
	FIELD_ROW(FIELD_STATUS, name, at, size, member, .names = (names_))
#define ADDR6(name, at, member)  FIELD_ROW(FIELD_ADDR6, name, at, 16, member, )
#define ADDR4(name, at, member)  FIELD_ROW(FIELD_ADDR4, name, at, 4, member, )
#define REST(name, at, member)   FIELD_ROW(FIELD_REST, name, at, 0, member, )
#define TEXT(name, at, member)   FIELD_ROW(FIELD_TEXT, name, at, 0, member, )
#define LIST16(name, at, member) FIELD_ROW(FIELD_LIST16, name, at, 0, member, )
#define ADDR(name, at, member)   FIELD_ROW(FIELD_ADDR, name, at, 0, member, )
#define MAYBE(name, at, member)  FIELD_ROW(FIELD_MAYBE, name, at, 0, member, )
#define END                                                                                        \
	{                                                                                          \
		.kind = FIELD_END                                                                  \
	}
