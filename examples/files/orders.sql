CREATE TABLE orders (
    id        INTEGER PRIMARY KEY,
    customer  TEXT NOT NULL,
    country   CHAR(2) NOT NULL,
    total_eur NUMERIC(10, 2) CHECK (total_eur >= 0)
);

SELECT country, count(*) AS orders, sum(total_eur) AS eur
FROM orders
GROUP BY country
HAVING count(*) > 1
ORDER BY eur DESC;
