#include "proto/mobility/field.h"

#include "proto/mobility/field_walk.h"

static size_t rows(const struct field *list)
{
	size_t count = 0;

	while (list[count].kind != FIELD_END)
		count++;
	return count;
}

uint64_t field_value(const struct field *field, const void *base)
{
	return field_load(field, base);
}

bool field_holds(const struct field *list, const struct field *field, const void *base)
{
	return field_walk_holds(list, field, base);
}

int field_decode(const struct field *list, const uint8_t *wire, size_t len, void *base)
{
	return field_walk_decode(list, rows(list), wire, len, base);
}

int field_encode(const struct field *list, const void *base, uint8_t *wire, size_t len)
{
	return field_walk_encode(list, rows(list), base, wire, len);
}

size_t field_size(const struct field *list, const void *base, size_t least)
{
	return field_walk_size(list, rows(list), base, least);
}
