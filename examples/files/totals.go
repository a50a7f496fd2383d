package main

import (
	"encoding/csv"
	"fmt"
	"log"
	"os"
	"strconv"
)

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	rows, err := csv.NewReader(file).ReadAll()
	if err != nil {
		log.Fatal(err)
	}
	totals := map[string]float64{}
	for _, row := range rows[1:] {
		eur, _ := strconv.ParseFloat(row[5], 64)
		totals[row[3]] += eur
	}
	for country, eur := range totals {
		fmt.Printf("%s %10.2f\n", country, eur)
	}
}
