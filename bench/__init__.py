"""What Partitur costs: `make bench`. Figures only: no test looks at them, and nothing here is part of the product."""
