module sluice.example/container-app

go 1.26
