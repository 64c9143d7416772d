package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
)

// digits reports whether s is a number, as ids are.
func digits(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }

// checksum reads ALGORITHM:HEX.
func checksum(s string) (algorithm, sum string) {
	algorithm, sum, _ = strings.Cut(s, ":")
	return strings.ToLower(algorithm), strings.ToLower(sum)
}

// invenioPage knows Zenodo and other InvenioRDM by /records/ID.
func invenioPage(page *url.URL) lister {
	parts := strings.Split(strings.Trim(page.Path, "/"), "/")
	if len(parts) != 2 || parts[0] != "records" && parts[0] != "record" {
		return nil
	}
	files := page.Scheme + "://" + page.Host + "/api/records/" + url.PathEscape(parts[1]) + "/files"
	return func(ctx context.Context, r *resolving) ([]RecordFile, error) {
		var answer struct {
			Entries []struct {
				Key      string `json:"key"`
				Size     int64  `json:"size"`
				Checksum string `json:"checksum"`
			} `json:"entries"`
		}
		if err := r.get(ctx, files, &answer); err != nil {
			return nil, err
		}
		var all []RecordFile
		for _, e := range answer.Entries {
			f := RecordFile{Name: e.Key, Size: e.Size, address: files + "/" + url.PathEscape(e.Key) + "/content"}
			f.Algorithm, f.Checksum = checksum(e.Checksum)
			all = append(all, f)
		}
		return all, nil
	}
}

// dataversePage knows Dataverse by the persistentId in the address of its pages.
func dataversePage(page *url.URL) lister {
	id := page.Query().Get("persistentId")
	if id == "" {
		return nil
	}
	base := page.Scheme + "://" + page.Host
	return func(ctx context.Context, r *resolving) ([]RecordFile, error) {
		var answer struct {
			Data []struct {
				Label  string `json:"label"`
				Folder string `json:"directoryLabel"`
				File   struct {
					ID       int64  `json:"id"`
					Size     int64  `json:"filesize"`
					MD5      string `json:"md5"`
					Checksum struct {
						Type  string `json:"type"`
						Value string `json:"value"`
					} `json:"checksum"`
				} `json:"dataFile"`
			} `json:"data"`
		}
		address := base + "/api/datasets/:persistentId/versions/:latest-published/files?" + url.Values{"persistentId": {id}}.Encode()
		if err := r.get(ctx, address, &answer); err != nil {
			return nil, err
		}
		var all []RecordFile
		for _, e := range answer.Data {
			f := RecordFile{Name: e.Label, Size: e.File.Size, address: fmt.Sprintf("%s/api/access/datafile/%d?format=original", base, e.File.ID)}
			if e.Folder != "" {
				f.Name = e.Folder + "/" + e.Label
			}
			f.Algorithm, f.Checksum = strings.ToLower(strings.ReplaceAll(e.File.Checksum.Type, "-", "")), strings.ToLower(e.File.Checksum.Value)
			if f.Checksum == "" {
				f.Algorithm, f.Checksum = "md5", strings.ToLower(e.File.MD5)
			}
			all = append(all, f)
		}
		return all, nil
	}
}

// osfPage knows the Open Science Framework by its host.
func osfPage(page *url.URL) lister {
	id := strings.Trim(page.Path, "/")
	if page.Hostname() != "osf.io" || id == "" || strings.Contains(id, "/") {
		return nil
	}
	return func(ctx context.Context, r *resolving) ([]RecordFile, error) {
		all, err := osfFiles(ctx, r, "https://api.osf.io/v2/nodes/"+url.PathEscape(id)+"/files/osfstorage/")
		if err != nil { // a registration is no node
			var again error
			if all, again = osfFiles(ctx, r, "https://api.osf.io/v2/registrations/"+url.PathEscape(id)+"/files/osfstorage/"); again != nil {
				return nil, errors.Join(err, again)
			}
		}
		return all, nil
	}
}

func osfFiles(ctx context.Context, r *resolving, address string) ([]RecordFile, error) {
	var all []RecordFile
	for address != "" && len(all) <= maxRecordFiles {
		var answer struct {
			Data []struct {
				Attributes struct {
					Name  string `json:"name"`
					Kind  string `json:"kind"`
					Size  int64  `json:"size"`
					Extra struct {
						Hashes struct {
							SHA256 string `json:"sha256"`
						} `json:"hashes"`
					} `json:"extra"`
				} `json:"attributes"`
				Links struct {
					Download string `json:"download"`
				} `json:"links"`
			} `json:"data"`
			Links struct {
				Next string `json:"next"`
			} `json:"links"`
		}
		if err := r.get(ctx, address, &answer); err != nil {
			return nil, err
		}
		for _, e := range answer.Data {
			a := e.Attributes
			if a.Kind != "file" {
				return nil, fmt.Errorf("has a folder, %.100q: folders there are not looked into", a.Name)
			}
			all = append(all, RecordFile{Name: a.Name, Size: a.Size, Algorithm: "sha256", Checksum: a.Extra.Hashes.SHA256, address: e.Links.Download})
		}
		if answer.Links.Next == address {
			return nil, errors.New("a list of files without end")
		}
		address = answer.Links.Next
	}
	return all, nil
}

// figsharePage knows Figshare by its host and /articles/KIND/NAME/ID or /VERSION
// behind it.
func figsharePage(page *url.URL) lister {
	host := page.Hostname()
	if host != "figshare.com" && !strings.HasSuffix(host, ".figshare.com") || !strings.Contains(page.Path, "/articles/") {
		return nil
	}
	parts := strings.Split(strings.Trim(page.Path, "/"), "/")
	n := len(parts)
	address := ""
	switch {
	case n > 1 && digits(parts[n-1]) && digits(parts[n-2]):
		address = "https://api.figshare.com/v2/articles/" + parts[n-2] + "/versions/" + parts[n-1]
	case digits(parts[n-1]):
		address = "https://api.figshare.com/v2/articles/" + parts[n-1]
	default:
		return nil
	}
	return func(ctx context.Context, r *resolving) ([]RecordFile, error) {
		var answer struct {
			Files []struct {
				Name    string `json:"name"`
				Size    int64  `json:"size"`
				MD5     string `json:"computed_md5"`
				Address string `json:"download_url"`
			} `json:"files"`
		}
		if err := r.get(ctx, address, &answer); err != nil {
			return nil, err
		}
		var all []RecordFile
		for _, e := range answer.Files {
			all = append(all, RecordFile{Name: e.Name, Size: e.Size, Algorithm: "md5", Checksum: strings.ToLower(e.MD5), address: e.Address})
		}
		return all, nil
	}
}
