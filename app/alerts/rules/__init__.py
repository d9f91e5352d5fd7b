"""What is watched without anybody raising it: typed rules over everything measured."""
