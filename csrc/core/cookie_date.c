/* The dates of cookies (RFC 6265, 5.1.1): any order, nearly any delimiter. */
#include "core/cookie.h"

struct date {
    int hour, minute, second, day, month, year;
    bool has_time, has_day, has_month, has_year;
};

static bool
is_delimiter(char c)
{
    return c == '\t' || (c >= ' ' && c <= '/') || (c >= ';' && c <= '@') ||
           (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/* A number of LEAST to MOST digits at *AT, which moves behind it; -1 if there
 * is none, or a longer one. */
static int
take_number(struct ak_str token, size_t *at, size_t least, size_t most)
{
    int value = 0;
    size_t start = *at;
    while (*at < token.len && ak_is_digit(token.ptr[*at])) {
        if (*at - start == most) {
            return -1;
        }
        value = value * 10 + (token.ptr[(*at)++] - '0');
    }
    return *at - start >= least ? value : -1;
}

static bool
take_colon(struct ak_str token, size_t *at)
{
    return *at < token.len && token.ptr[(*at)++] == ':';
}

static bool
take_time(struct date *date, struct ak_str token)
{
    size_t at = 0;
    int hour = take_number(token, &at, 1, 2);
    if (hour < 0 || !take_colon(token, &at)) {
        return false;
    }
    int minute = take_number(token, &at, 1, 2);
    if (minute < 0 || !take_colon(token, &at)) {
        return false;
    }
    int second = take_number(token, &at, 1, 2);
    if (second < 0) {
        return false;
    }
    date->hour = hour;
    date->minute = minute;
    date->second = second;
    return date->has_time = true;
}

static bool
take_day(struct date *date, struct ak_str token)
{
    size_t at = 0;
    date->day = take_number(token, &at, 1, 2);
    return date->has_day = date->day >= 0;
}

static bool
take_month(struct date *date, struct ak_str token)
{
    static const char MONTHS[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int i = 0; i < 12; i++) {
        if (ak_str_istarts_with(token, ak_str_of(MONTHS + 3 * i, 3))) {
            date->month = i + 1;
            return date->has_month = true;
        }
    }
    return false;
}

static bool
take_year(struct date *date, struct ak_str token)
{
    size_t at = 0;
    int year = take_number(token, &at, 2, 4);
    if (year < 0) {
        return false;
    }
    date->year = year >= 100 ? year : year + (year >= 70 ? 1900 : 2000);
    return date->has_year = true;
}

static void
take_token(struct date *date, struct ak_str token)
{
    if (!date->has_time && take_time(date, token)) {
        return;
    }
    if (!date->has_day && take_day(date, token)) {
        return;
    }
    if (!date->has_month && take_month(date, token)) {
        return;
    }
    if (!date->has_year) {
        (void)take_year(date, token);
    }
}

static bool
is_real(const struct date *date)
{
    static const int DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (!date->has_time || !date->has_day || !date->has_month || !date->has_year) {
        return false;
    }
    int year = date->year;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    int days = DAYS[date->month - 1] + (date->month == 2 && leap);
    return date->day >= 1 && date->day <= days && year >= 1601 && date->hour <= 23 &&
           date->minute <= 59 && date->second <= 59;
}

/* Days from 1970-01-01; the year is counted from March, so that a leap day is
 * its last. */
static int64_t
days_from_epoch(int year, int month, int day)
{
    int64_t shifted = month > 2 ? year : year - 1;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719468;
}

bool
ak_cookie_parse_date(struct ak_str text, int64_t *seconds)
{
    struct date date = {0};
    for (size_t at = 0; at < text.len;) {
        size_t end = at;
        while (end < text.len && !is_delimiter(text.ptr[end])) {
            end++;
        }
        if (end > at) {
            take_token(&date, ak_str_slice(text, at, end));
        }
        at = end + 1;
    }
    if (!is_real(&date)) {
        return false;
    }
    int64_t days = days_from_epoch(date.year, date.month, date.day);
    *seconds = ((days * 24 + date.hour) * 60 + date.minute) * 60 + date.second;
    return true;
}
