package archive

func (d *deposit) addRunner() {}
